/** A tree under test that reads like a session. Each call is one log entry, and returns what a client would see. */

import { expect } from 'vitest';
import { textOf, utf8 } from '../../core/base/bytes.ts';
import { ChunkReader } from '../../core/base/chunk-reader.ts';
import type { ErrorInfo } from '../../core/base/errors.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import type { Guard, NodeType, Operation, OperationResult, SimpleOperation, Stat } from '../../core/tree/operation.ts';
import { isRead } from '../../core/tree/reading.ts';
import { Tree, treeLimitsOf } from '../../core/tree/tree.ts';
import type { TreeLimits } from '../../core/tree/tree.ts';

export const limits: TreeLimits = treeLimitsOf(defaultLimits);

/** Operations with defaults for the fields that a test does not name. */
export const ask = {
  create: (path: string, type: NodeType, value: string | null = null) =>
    ({ kind: 'create', path, type, value: value === null ? null : utf8(value) }) as const,
  delete: (path: string, recursive = false, ifVersion: number | null = null) =>
    ({ kind: 'delete', path, recursive, ifVersion }) as const,
  put: (path: string, value: string, ifVersion: number | null = null) =>
    ({ kind: 'blobPut', path, value: utf8(value), ifVersion, ifAbsent: false }) as const,
  putIfAbsent: (path: string, value: string) =>
    ({ kind: 'blobPut', path, value: utf8(value), ifVersion: null, ifAbsent: true }) as const,
  cas: (path: string, expected: string, value: string) =>
    ({ kind: 'blobCas', path, expected: utf8(expected), value: utf8(value) }) as const,
  get: (path: string) => ({ kind: 'blobGet', path }) as const,
  push: (path: string, value: string) => ({ kind: 'queuePush', path, value: utf8(value) }) as const,
  pop: (path: string) => ({ kind: 'queuePop', path }) as const,
  insert: (path: string, member: string) => ({ kind: 'setInsert', path, member: utf8(member) }) as const,
  remove: (path: string, member: string) => ({ kind: 'setRemove', path, member: utf8(member) }) as const,
  add: (path: string, by: number) => ({ kind: 'counterAdd', path, by }) as const,
  stat: (path: string) => ({ kind: 'stat', path }) as const,
  keys: (path: string, limit = 1000, after: string | null = null) => ({ kind: 'keys', path, limit, after }) as const,
  txn: (guards: readonly Guard[], then: readonly SimpleOperation[], otherwise: readonly SimpleOperation[] = []) =>
    ({ kind: 'transaction', guards, then, otherwise }) as const,
};

export class World {
  tree: Tree;
  op = 0;

  constructor(tree: Tree = Tree.empty(limits)) {
    this.tree = tree;
  }

  /** Does an operation that must succeed. Reads do not go through the log, as in a replica. */
  do(operation: Operation): OperationResult {
    if (isRead(operation)) {
      const read = this.tree.read(operation);
      if (!read.ok) throw new Error(`${operation.kind}: ${read.error.message}`);
      return read.value;
    }
    const { tree, result } = this.tree.apply(operation, ++this.op);
    if (!result.ok) throw new Error(`${operation.kind}: ${result.error.message}`);
    this.tree = tree;
    return result.value;
  }

  /** Does an operation that must be refused, and checks that it changes nothing. */
  refused(operation: Operation): ErrorInfo {
    const { tree, result } = this.tree.apply(operation, ++this.op);
    expect(tree).toBe(this.tree);
    if (result.ok) throw new Error(`${operation.kind} was not refused`);
    return result.error;
  }

  stat(path: string): Stat {
    const result = this.do(ask.stat(path));
    if (result.kind !== 'stat') throw new Error(result.kind);
    return result.stat;
  }

  versions(...paths: readonly string[]): readonly number[] {
    return paths.map((path) => this.stat(path).version);
  }

  /** The members or items of an answer, as text. */
  texts(operation: Operation): readonly string[] {
    const result = this.do(operation);
    if (result.kind !== 'values') throw new Error(result.kind);
    return result.values.map((value) => textOf(value)!);
  }

  text(operation: Operation): string | null {
    const result = this.do(operation);
    if (result.kind !== 'value') throw new Error(result.kind);
    return result.value === null ? null : textOf(result.value);
  }

  paths(path = '/'): readonly string[] {
    const result = this.do(ask.keys(path));
    if (result.kind !== 'paths') throw new Error(result.kind);
    return result.paths;
  }
}

export function written(tree: Tree, pieceBytes = 100): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const snapshot = tree.snapshot();
  for (let piece = snapshot.next(pieceBytes); piece !== null; piece = snapshot.next(pieceBytes)) pieces.push(piece);
  return pieces;
}

export function whole(tree: Tree): Buffer {
  return Buffer.concat(written(tree));
}

export function restored(pieces: Iterable<Uint8Array>): Tree {
  const reader = new ChunkReader(pieces);
  const tree = Tree.restore(reader, limits);
  reader.end();
  return tree;
}
