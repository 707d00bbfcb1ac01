/**
 * What an operation changed, as it is remembered for watches: small records that share their values with the tree. The
 * contents of a subtree are told in the same form, so that a reader handles a state and the changes after it alike
 * (architecture §5).
 */

import type { Reader, Writer } from '../base/bytes.ts';
import type { Op, SessionId } from '../base/ids.ts';
import type { Stored } from './stored.ts';
import { load } from './stored.ts';
import { DirectoryNode } from './node.ts';
import type { TreeNode } from './node.ts';
import { changeKinds, nodeTypes } from './names.ts';
import type { ChangeKind, DeletionCause, NodeType } from './names.ts';
import { childPath } from './path.ts';

export interface TreeChange {
  readonly path: string;
  readonly kind: ChangeKind;
  readonly type: NodeType;
  /** The version of the node after the change. For a deleted node, its last version. */
  readonly version: number;
  /**
   * The value that was put or with which a blob was created, or the item or member. It belongs to the tree.
   * {@link changeValue} gives its bytes.
   */
  readonly value: Stored | null;
  /** The value of a leaf that is a number. It need not be whole. */
  readonly number: number | null;
  /** For a directory that was deleted with its contents: the directory. */
  readonly removed: TreeNode | null;
  /** The claim that this is about. */
  readonly claim: ToldClaim | null;
  /** Why it was deleted, if nobody asked for it (coordination §9). */
  readonly cause: DeletionCause | null;
}

/** What is told of a claim. */
export interface ToldClaim {
  readonly claim: Op;
  /** Its fencing token; 0 while it waits. */
  readonly token: Op;
  readonly session: SessionId;
}

/** The bytes of a change's value. They must only be read. */
export function changeValue(change: TreeChange): Uint8Array | null {
  return change.value === null ? null : load(change.value);
}

/** The parts of packed changes that are shared with the tree instead of copied, in their order. */
export interface PackedParts {
  readonly values: Stored[];
  readonly removed: TreeNode[];
}

/** Writes a change in few bytes, for a history in memory. Its value and a deleted directory go to `parts`. */
export function packChange(writer: Writer, change: TreeChange, parts: PackedParts): void {
  const { value, number, removed, claim, cause } = change;
  writer.u8(changeKinds.indexOf(change.kind));
  writer.u8(nodeTypes.indexOf(change.type));
  const present = (value === null ? 0 : 1) | (number === null ? 0 : 2) | (removed === null ? 0 : 4);
  writer.u8(present | (claim === null ? 0 : 8) | (cause === null ? 0 : cause === 'ttl' ? 16 : 32));
  writer.text(change.path);
  writer.uint(change.version);
  if (value !== null) parts.values.push(value);
  if (number !== null) writer.finite(number);
  if (removed !== null) parts.removed.push(removed);
  if (claim !== null) {
    writer.uint(claim.claim);
    writer.uint(claim.token);
    writer.uint(claim.session);
  }
}

/**
 * Reads what {@link packChange} wrote, beginning where the writer was when `parts` held this many values and removed
 * directories.
 */
export class ChangeUnpacker {
  readonly #reader: Reader;
  readonly #parts: PackedParts;
  #values: number;
  #removed: number;

  constructor(reader: Reader, parts: PackedParts, values: number, removed: number) {
    this.#reader = reader;
    this.#parts = parts;
    this.#values = values;
    this.#removed = removed;
  }

  next(): TreeChange {
    const reader = this.#reader;
    const kind = changeKinds[reader.u8()]!;
    const type = nodeTypes[reader.u8()]!;
    const flags = reader.u8();
    const path = reader.text();
    const version = reader.uint();
    const value = (flags & 1) === 0 ? null : this.#parts.values[this.#values++]!;
    const number = (flags & 2) === 0 ? null : reader.finite();
    const removed = (flags & 4) === 0 ? null : this.#parts.removed[this.#removed++]!;
    const claim = (flags & 8) === 0 ? null : { claim: reader.uint(), token: reader.uint(), session: reader.uint() };
    const cause = (flags & 16) !== 0 ? 'ttl' : (flags & 32) !== 0 ? 'session' : null;
    return { path, kind, type, version, value, number, removed, claim, cause };
  }
}

export function makeChange(
  path: string,
  kind: ChangeKind,
  node: TreeNode,
  value: Stored | null,
  number: number | null,
): TreeChange {
  const { type, version } = node;
  return { path, kind, type, version, value, number, removed: null, claim: null, cause: null };
}

/** A change of one claim. It tells the value of the claim. */
export function claimChange(
  path: string,
  kind: ChangeKind,
  node: TreeNode,
  { claim, token, session, value }: ToldClaim & { readonly value: Stored | null },
): TreeChange {
  return { ...makeChange(path, kind, node, value, null), claim: { claim, token, session } };
}

export function createdChange(path: string, node: TreeNode): TreeChange {
  if (node instanceof DirectoryNode) return makeChange(path, 'created', node, null, null);
  return makeChange(path, 'created', node, node.toldValue, node.toldNumber);
}

export function deletedChange(path: string, node: TreeNode, cause: DeletionCause | null): TreeChange {
  const removed = node instanceof DirectoryNode && node.count > 0 ? node : null;
  const { type, version } = node;
  return { path, kind: 'deleted', type, version, value: null, number: null, removed, claim: null, cause };
}

/** True when `path` lies beneath `directory`. */
export function isBeneath(path: string, directory: string): boolean {
  if (directory === '/') return path.length > 1;
  return path.length > directory.length && path.charCodeAt(directory.length) === 47 && path.startsWith(directory);
}

/** True when a node was at `path`, beneath a directory that this change deleted. */
export function wentWith(change: TreeChange, path: string): boolean {
  if (change.removed === null || !isBeneath(path, change.path)) return false;
  let node: TreeNode = change.removed;
  for (const part of path.slice(change.path.length + 1).split('/')) {
    const child: TreeNode | undefined = node instanceof DirectoryNode ? node.child(part) : undefined;
    if (child === undefined) return false;
    node = child;
  }
  return true;
}

/** True when a change concerns a watch of `path`, or with `subtree` a watch of everything at and beneath it. */
export function concerns(change: TreeChange, path: string, subtree: boolean): boolean {
  if (change.path === path) return true;
  if (subtree && isBeneath(change.path, path)) return true;
  return change.removed !== null && wentWith(change, path);
}

/**
 * Tells a node, and with `subtree` everything beneath it, as if it were created now: depth first, each directory before
 * its children.
 */
export function* contents(path: string, node: TreeNode, subtree: boolean): Generator<TreeChange, void> {
  yield createdChange(path, node);
  if (node instanceof DirectoryNode) {
    if (!subtree) return;
    for (const child of node.children.values()) yield* contents(childPath(path, child.name), child, true);
  } else {
    const inside = node.contents();
    if (inside === null) return;
    for (const value of inside.values) yield makeChange(path, inside.kind, node, value, null);
  }
}
