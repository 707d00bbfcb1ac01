/** How the changes of each type of node make its value. */

import { base64FromBytes } from '../core/base/base64.ts';
import { compareBytes } from '../core/base/bytes.ts';
import { haretError } from '../core/base/errors.ts';
import type { Change } from '../core/service/events.ts';
import type { NodeType } from '../core/tree/operation.ts';
import type { Codec } from './codecs.ts';
import { decode } from './codecs.ts';
import type { Fold } from './live.ts';

/** True when `change` took `path` away, by itself or with a directory above it. */
function deletes(change: Change, path: string): boolean {
  if (change.kind !== 'deleted') return false;
  return change.path === path || change.path === '/' || path.startsWith(`${change.path}/`);
}

/** The changes of one node, and a value that is made of them when it is asked for. */
abstract class NodeFold<T> implements Fold<T> {
  protected readonly path: string;
  readonly #type: NodeType;
  #value: { readonly of: T } | null = null;

  constructor(path: string, type: NodeType) {
    this.path = path;
    this.#type = type;
  }

  clear(): void {
    this.#value = null;
    this.empty();
  }

  apply(change: Change): void {
    if (deletes(change, this.path)) return this.clear();
    if (change.path !== this.path) return;
    if (change.type !== this.#type) {
      const details = { path: this.path, expected: this.#type, actual: change.type };
      throw haretError('WrongType', 'Wrong type', details);
    }
    this.#value = null;
    this.change(change);
  }

  value(): T {
    this.#value ??= { of: this.make() };
    return this.#value.of;
  }

  protected abstract empty(): void;
  protected abstract change(change: Change): void;
  protected abstract make(): T;
}

export class BlobFold<Out> extends NodeFold<Out | undefined> {
  readonly #codec: Codec<Out, never>;
  #bytes: Uint8Array | null = null;

  constructor(path: string, codec: Codec<Out, never>) {
    super(path, 'blob');
    this.#codec = codec;
  }

  protected empty(): void {
    this.#bytes = null;
  }

  protected change({ value }: Change): void {
    this.#bytes = value;
  }

  protected make(): Out | undefined {
    return this.#bytes === null ? undefined : decode(this.#codec, this.#bytes, this.path);
  }
}

export class CounterFold extends NodeFold<number> {
  #number = 0;

  constructor(path: string) {
    super(path, 'counter');
  }

  protected empty(): void {
    this.#number = 0;
  }

  protected change({ number }: Change): void {
    this.#number = number ?? 0;
  }

  protected make(): number {
    return this.#number;
  }
}

export class QueueFold<Out> extends NodeFold<readonly Out[]> {
  readonly #codec: Codec<Out, never>;
  #items: Uint8Array[] = [];

  constructor(path: string, codec: Codec<Out, never>) {
    super(path, 'queue');
    this.#codec = codec;
  }

  protected empty(): void {
    this.#items = [];
  }

  protected change({ kind, value }: Change): void {
    if (kind === 'popped') this.#items.shift();
    else if (kind === 'pushed' && value !== null) this.#items.push(value);
  }

  protected make(): readonly Out[] {
    return this.#items.map((item) => decode(this.#codec, item, this.path));
  }
}

export class SetFold<Out> extends NodeFold<readonly Out[]> {
  readonly #codec: Codec<Out, never>;
  readonly #members = new Map<string, Uint8Array>();

  constructor(path: string, codec: Codec<Out, never>) {
    super(path, 'set');
    this.#codec = codec;
  }

  protected empty(): void {
    this.#members.clear();
  }

  protected change({ kind, value }: Change): void {
    if (value === null) return;
    if (kind === 'inserted') this.#members.set(base64FromBytes(value), value);
    else if (kind === 'removed') this.#members.delete(base64FromBytes(value));
  }

  protected make(): readonly Out[] {
    return [...this.#members.values()].sort(compareBytes).map((member) => decode(this.#codec, member, this.path));
  }
}

/** A node of a live tree. */
export interface LiveNode {
  /** Where it is. */
  readonly path: string;
  /** What it is. */
  readonly type: NodeType;
  /** After the last change of the node itself. */
  readonly version: number;
  /** A blob's value. */
  readonly value: Uint8Array | null;
  /** What a counter stands at. */
  readonly number: number | null;
}

/** All nodes at and beneath a path. */
export class TreeFold implements Fold<ReadonlyMap<string, LiveNode>> {
  readonly #nodes = new Map<string, LiveNode>();
  #value: ReadonlyMap<string, LiveNode> | null = null;

  clear(): void {
    this.#value = null;
    this.#nodes.clear();
  }

  apply(change: Change): void {
    this.#value = null;
    const { path, type, version } = change;
    if (change.kind === 'deleted') {
      for (const known of this.#nodes.keys()) if (deletes(change, known)) this.#nodes.delete(known);
      return;
    }
    this.#nodes.set(path, {
      path,
      type,
      version,
      value: type === 'blob' ? change.value : null,
      number: type === 'counter' ? change.number : null,
    });
  }

  value(): ReadonlyMap<string, LiveNode> {
    this.#value ??= new Map(this.#nodes);
    return this.#value;
  }
}
