/**
 * The fields that every node of the tree has. A write makes a new node for itself and for every directory above (path
 * copying, architecture §2). If the tree that writes owns a node, no other version can see that node, and it is changed
 * in place. Nodes are kept small, because a namespace has many. So types and sums that follow from other fields are
 * getters.
 */

import { textOf, utf8, utf8Length } from '../../base/bytes.ts';
import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import type { Op } from '../../base/ids.ts';
import type { ChangeKind, LeafType } from '../names.ts';
import type { Stored } from '../stored.ts';
import type { Life } from './life.ts';

/** Bytes that an item, a member or a counter counts besides its own, so that a tree cannot hold endless empty ones. */
export const itemOverheadBytes = 8;
/** Above any value that a limit can allow. A greater length in a snapshot is an error. */
export const maxEncodedValueBytes = 64 * 1024 * 1024;

/** The owner of a node, compared by identity. A writer never changes a node with another owner, or with none. */
export type Owner = object | null;

/** What a change adds to the sums of every directory above it. It is negative for a removal. */
export interface Growth {
  readonly bytes: number;
  readonly nodes: number;
  /** Holds and shadows of claims. */
  readonly held: number;
  /** What belongs to sessions: claims, whether they wait or hold. And leaves with a deadline of their own. */
  readonly owned: number;
  /** Nodes that have a {@link Life}. */
  readonly lives: number;
}

/** A change of so many bytes, of one node that is there and belongs to no session. */
export function growthOfBytes(bytes: number): Growth {
  return { bytes, nodes: 0, held: 0, owned: 0, lives: 0 };
}

/** What a node is made with, and what a snapshot has of it. */
export interface NodeHead {
  readonly name: string;
  readonly version: number;
  readonly created: Op;
  readonly modified: Op;
  readonly life: Life | null;
}

export abstract class Head implements NodeHead {
  /**
   * The last part of the node's path, or empty for the root. It is a string of its own, which keeps no path or frame
   * alive.
   */
  readonly name: string;
  readonly version: number;
  /** The op numbers of its creation, and of the last change at or beneath it. */
  readonly created: Op;
  readonly modified: Op;
  /** Null for a node that lives until it is deleted. A writer that owns the node may replace it in place. */
  life: Life | null;

  constructor({ name, version, created, modified, life }: NodeHead) {
    this.name = name;
    this.version = version;
    this.created = created;
    this.modified = modified;
    this.life = life;
  }

  /** The head of what `op` makes of this node. */
  protected changedBy(op: Op): NodeHead {
    return { name: this.name, version: this.version + 1, created: this.created, modified: op, life: this.life };
  }

  /** The same with the version that it has. */
  protected sameHead(op: Op): NodeHead {
    return { name: this.name, version: this.version, created: this.created, modified: op, life: this.life };
  }
}

/** The head of a node that `op` makes. */
export function newHead(name: string, op: Op): NodeHead {
  return { name, version: 0, created: op, modified: op, life: null };
}

/** True when `owner` may change this node in place. */
export function owns(owner: Owner, node: { readonly owner: Owner }): boolean {
  return owner !== null && node.owner === owner;
}

/** The values in a leaf, and the kind of change that tells one of them. */
export interface Contents {
  readonly kind: ChangeKind;
  readonly values: IterableIterator<Stored>;
}

/** A node with nothing beneath it. */
export abstract class Leaf extends Head {
  abstract get type(): LeafType;
  /** Bytes of its content. */
  abstract readonly bytes: number;
  /** Items or members. */
  abstract readonly count: number;
  /** What watches are told when it is made: its value, or its number. */
  abstract readonly toldValue: Stored | null;
  abstract readonly toldNumber: number | null;

  /** No node is beneath a leaf. */
  get nodes(): 0 {
    return 0;
  }

  /** @see Growth */
  get held(): number {
    return 0;
  }

  get owned(): number {
    return 0;
  }

  get lives(): number {
    return this.life === null ? 0 : 1;
  }

  /** The same content under another head. */
  abstract copied(head: NodeHead, owner: Owner): Leaf;

  /**
   * Its values one by one, for a leaf that has many. Null when {@link toldValue} and {@link toldNumber} tell
   * everything.
   */
  abstract contents(): Contents | null;

  /** Writes it for a snapshot, after its head and before its {@link contents}. */
  abstract write(writer: Writer): void;

  /** Writes what follows in a snapshot bit by bit. Null when that is the values of {@link contents}. */
  pieces(_writer: Writer): Iterator<undefined, void> | null {
    return null;
  }
}

/** A class of leaves, as the table of leaf classes needs it. */
export interface LeafClass<T extends LeafType> {
  /** Reads what {@link Leaf.write} and its contents wrote. @throws MalformedError */
  restore(reader: ChunkReader, head: NodeHead): Leaf & { readonly type: T };
}

/** Bytes of a node and everything beneath it, including names. */
export function treeBytes(node: { readonly name: string; readonly bytes: number }): number {
  return utf8Length(node.name) + node.bytes;
}

/**
 * A copy of a name that was cut out of a path. Engines cut long strings as views of the whole. Without the copy, a name
 * of 20 bytes would keep a path of 1024 alive. Shorter strings are copied by the engine anyway.
 */
export function ownName(name: string): string {
  return name.length < 13 ? name : textOf(utf8(name))!;
}
