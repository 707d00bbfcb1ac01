/**
 * What every node of the tree has. A write makes a new node for itself and for every directory above (path copying, architecture §2),
 * unless the node is owned by the very tree that writes, which nobody else can see: then it is changed in place. Nodes are kept
 * small, because a namespace has many: types and sums that can be told from other fields are getters.
 */

import { textOf, utf8, utf8Length } from '../../base/bytes.ts';
import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import type { Op } from '../../base/ids.ts';
import type { ChangeKind, LeafType } from '../names.ts';
import type { Stored } from '../stored.ts';

/** What an item, a member or a counter counts besides its bytes, so that empty ones cannot be had without end. */
export const itemOverheadBytes = 8;
/** Above any value that a limit can allow: a length over it is no length. */
export const maxEncodedValueBytes = 64 * 1024 * 1024;

/** Whose a node is; compared by identity. A node with another owner than the writer's, or with none, is never changed. */
export type Owner = object | null;

/** What a change adds to the sums of every directory above it; negative where it takes away. */
export interface Growth {
  readonly bytes: number;
  readonly nodes: number;
}

/** What a node is made with, and what a snapshot has of it. */
export interface NodeHead {
  readonly name: string;
  readonly version: number;
  readonly created: Op;
  readonly modified: Op;
}

export abstract class Head implements NodeHead {
  /** The last part of the node's path, empty for the root. A string of its own, that pins no path or frame. */
  readonly name: string;
  readonly version: number;
  /** The op numbers of its creation, and of the last change at or beneath it. */
  readonly created: Op;
  readonly modified: Op;

  constructor({ name, version, created, modified }: NodeHead) {
    this.name = name;
    this.version = version;
    this.created = created;
    this.modified = modified;
  }

  /** The head of what `op` makes of this node. */
  protected changedBy(op: Op): NodeHead {
    return { name: this.name, version: this.version + 1, created: this.created, modified: op };
  }
}

/** The head of a node that `op` makes. */
export function newHead(name: string, op: Op): NodeHead {
  return { name, version: 0, created: op, modified: op };
}

/** True when `owner` may change this node in place. */
export function owns(owner: Owner, node: { readonly owner: Owner }): boolean {
  return owner !== null && node.owner === owner;
}

/** The values in a leaf, and the change that tells of one of them. */
export interface Contents {
  readonly kind: ChangeKind;
  readonly values: IterableIterator<Stored>;
}

/** A node with nothing beneath it. */
export abstract class Leaf extends Head {
  abstract get type(): LeafType;
  /** Bytes of what is in it. */
  abstract readonly bytes: number;
  /** Items or members. */
  abstract readonly count: number;
  /** What those who watch are told of when it is made: its value, and what it stands at. */
  abstract readonly toldValue: Stored | null;
  abstract readonly toldNumber: number | null;

  /** Nodes beneath: none. */
  get nodes(): 0 {
    return 0;
  }

  /** What is in it, value by value, for a leaf that has many; null when the above says it all. */
  abstract contents(): Contents | null;

  /** Writes it for a snapshot, after its head and before its {@link contents}. */
  abstract write(writer: Writer): void;
}

/** A class of leaves, as the registry has it. */
export interface LeafClass<T extends LeafType> {
  /** Reads what {@link Leaf.write} and its contents wrote. @throws MalformedError */
  restore(reader: ChunkReader, head: NodeHead): Leaf & { readonly type: T };
}

/** Bytes of a node and all beneath it, names included. */
export function treeBytes(node: { readonly name: string; readonly bytes: number }): number {
  return utf8Length(node.name) + node.bytes;
}

/**
 * A copy of a name that was cut out of a path. Engines cut long strings as views of the whole, so that without this a name
 * of 20 bytes would keep a path of 1024 alive; what is shorter than this they copy anyway.
 */
export function ownName(name: string): string {
  return name.length < 13 ? name : textOf(utf8(name))!;
}
