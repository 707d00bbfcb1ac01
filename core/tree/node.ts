/**
 * The nodes of the tree. A write makes a new node for itself and for every directory above (path copying, architecture §2), unless the
 * node is owned by the very tree that writes, which nobody else can see: then it is changed in place. Nodes are kept small,
 * because a namespace has many: types and sums that can be told from other fields are getters.
 */

import { textOf, utf8, utf8Length } from '../base/bytes.ts';
import { invariant } from '../base/assert.ts';
import type { SortedMap } from './btree.ts';
import { newItems, newMembers, newNames } from './btree.ts';
import type { Stored } from './stored.ts';

/** What an item, a member or a counter counts besides its bytes, so that empty ones cannot be had without end. */
export const itemOverheadBytes = 8;

/** Whose a node is; compared by identity. A node with another owner than the writer's, or with none, is never changed. */
export type Owner = object | null;

abstract class Head {
  /** The last part of the node's path, empty for the root. A string of its own, that pins no path or frame. */
  readonly name: string;
  readonly version: number;
  /** The op numbers of its creation, and of the last change at or beneath it. */
  readonly created: number;
  readonly modified: number;

  constructor(name: string, version: number, created: number, modified: number) {
    this.name = name;
    this.version = version;
    this.created = created;
    this.modified = modified;
  }
}

export class DirectoryNode extends Head {
  declare version: number;
  declare modified: number;
  readonly owner: Owner;
  /** Whoever does not own this directory clones first. */
  readonly children: SortedMap<string, TreeNode>;
  /** Bytes of all nodes beneath, with their names. */
  bytes: number;
  /** Nodes beneath. */
  nodes: number;
  /** Children by name, once they were looked up often enough to pay for it: a B+ tree of many names takes a dozen comparisons. */
  #index: Map<string, TreeNode> | null = null;
  #lookups = 0;

  constructor(
    name: string,
    version: number,
    created: number,
    modified: number,
    children: SortedMap<string, TreeNode>,
    bytes: number,
    nodes: number,
    owner: Owner = null,
  ) {
    super(name, version, created, modified);
    this.children = children;
    this.bytes = bytes;
    this.nodes = nodes;
    this.owner = owner;
  }

  static empty(name: string, op: number): DirectoryNode {
    return new DirectoryNode(name, 0, op, op, newNames(), 0, 0);
  }

  /** A new directory with the one child, all of it made by `op`. */
  static around(name: string, op: number, child: TreeNode): DirectoryNode {
    const children = newNames<TreeNode>();
    children.set(child.name, child);
    return new DirectoryNode(name, 0, op, op, children, treeBytes(child), 1 + child.nodes);
  }

  get type(): 'directory' {
    return 'directory';
  }

  get count(): number {
    return this.children.size;
  }

  /** The child of this name. */
  child(name: string): TreeNode | undefined {
    if (this.#index !== null) return this.#index.get(name);
    // Only what is changed in place lives long enough; what is copied by the next write would have its index made in vain.
    if (this.owner !== null && this.count >= minIndexed && ++this.#lookups > this.count / 4)
      this.#index = this.#makeIndex();
    return this.children.get(name);
  }

  #makeIndex(): Map<string, TreeNode> {
    const index = new Map<string, TreeNode>();
    for (const child of this.children.values()) index.set(child.name, child);
    return index;
  }

  /**
   * This directory after `op` put `after` in the place of `before`; null on either side stands for no child. `growth` is what that
   * adds beneath it: a child that was changed in place no longer tells what it was.
   */
  withChild(before: TreeNode | null, after: TreeNode | null, op: number, growth: Growth, owner: Owner): DirectoryNode {
    const bytes = this.bytes + growth.bytes;
    const nodes = this.nodes + growth.nodes;
    invariant(bytes >= 0 && nodes >= 0, 'sums of a directory are those of its children');
    if (owner === null || this.owner !== owner) {
      const children = this.children.clone();
      putChild(children, before, after);
      return new DirectoryNode(this.name, this.version + 1, this.created, op, children, bytes, nodes, owner);
    }
    if (before !== after) {
      putChild(this.children, before, after);
      if (after !== null) this.#index?.set(after.name, after);
      else if (before !== null) this.#index?.delete(before.name);
    }
    this.bytes = bytes;
    this.nodes = nodes;
    this.version++;
    this.modified = op;
    return this;
  }
}

/** Smaller directories are searched as fast as they are hashed. */
const minIndexed = 32;

/** What a change adds to the sums of every directory above it; negative where it takes away. */
export interface Growth {
  readonly bytes: number;
  readonly nodes: number;
}

function putChild(children: SortedMap<string, TreeNode>, before: TreeNode | null, after: TreeNode | null): void {
  if (after !== null) {
    const isNew = children.set(after.name, after);
    invariant(isNew === (before === null), 'a node never changes its name, and a new one has a new name');
  } else if (before !== null) {
    invariant(children.delete(before.name), 'a child that goes was there');
  }
}

abstract class Leaf extends Head {
  /** Nodes beneath: none. */
  get nodes(): 0 {
    return 0;
  }
}

export class BlobNode extends Leaf {
  declare version: number;
  declare modified: number;
  readonly owner: Owner;
  value: Stored;

  constructor(name: string, version: number, created: number, modified: number, value: Stored, owner: Owner = null) {
    super(name, version, created, modified);
    this.value = value;
    this.owner = owner;
  }

  get type(): 'blob' {
    return 'blob';
  }

  get bytes(): number {
    return this.value.length;
  }

  get count(): 0 {
    return 0;
  }

  /** In place where `owner` owns it: then its directory need not even look it up again. */
  withValue(value: Stored, op: number, owner: Owner): BlobNode {
    if (owner === null || this.owner !== owner) {
      return new BlobNode(this.name, this.version + 1, this.created, op, value, owner);
    }
    this.value = value;
    this.version++;
    this.modified = op;
    return this;
  }
}

export class QueueNode extends Leaf {
  declare version: number;
  declare modified: number;
  readonly owner: Owner;
  /** Items by their place: consecutive numbers, which mean nothing outside and are in no snapshot. */
  readonly items: SortedMap<number, Stored>;
  bytes: number;

  constructor(
    name: string,
    version: number,
    created: number,
    modified: number,
    items: SortedMap<number, Stored>,
    bytes: number,
    owner: Owner = null,
  ) {
    super(name, version, created, modified);
    this.items = items;
    this.bytes = bytes;
    this.owner = owner;
  }

  static empty(name: string, op: number): QueueNode {
    return new QueueNode(name, 0, op, op, newItems(), 0);
  }

  get type(): 'queue' {
    return 'queue';
  }

  get count(): number {
    return this.items.size;
  }

  front(): Stored | null {
    const place = this.items.minKey();
    return place === undefined ? null : this.items.get(place)!;
  }

  back(): Stored | null {
    const place = this.items.maxKey();
    return place === undefined ? null : this.items.get(place)!;
  }

  pushed(value: Stored, op: number, owner: Owner): QueueNode {
    const queue = this.#writable(op, owner);
    queue.items.set((this.items.maxKey() ?? -1) + 1, value);
    queue.bytes += value.length + itemOverheadBytes;
    return queue;
  }

  /** Without its front, which must be there. */
  popped(op: number, owner: Owner): QueueNode {
    const place = this.items.minKey();
    invariant(place !== undefined, 'only a queue with items is popped');
    const length = this.items.get(place)!.length;
    const queue = this.#writable(op, owner);
    queue.items.delete(place);
    queue.bytes -= length + itemOverheadBytes;
    return queue;
  }

  /** This queue if `owner` owns it, else a copy of its own, in either case as changed by `op`. */
  #writable(op: number, owner: Owner): QueueNode {
    if (owner === null || this.owner !== owner) {
      return new QueueNode(this.name, this.version + 1, this.created, op, this.items.clone(), this.bytes, owner);
    }
    this.version++;
    this.modified = op;
    return this;
  }
}

export class SetNode extends Leaf {
  declare version: number;
  declare modified: number;
  readonly owner: Owner;
  readonly members: SortedMap<Uint8Array, undefined>;
  bytes: number;

  constructor(
    name: string,
    version: number,
    created: number,
    modified: number,
    members: SortedMap<Uint8Array, undefined>,
    bytes: number,
    owner: Owner = null,
  ) {
    super(name, version, created, modified);
    this.members = members;
    this.bytes = bytes;
    this.owner = owner;
  }

  static empty(name: string, op: number): SetNode {
    return new SetNode(name, 0, op, op, newMembers(), 0);
  }

  get type(): 'set' {
    return 'set';
  }

  get count(): number {
    return this.members.size;
  }

  /** With a member that is not in it yet. */
  inserted(member: Uint8Array, op: number, owner: Owner): SetNode {
    const set = this.#writable(op, owner);
    invariant(set.members.set(member, undefined), 'only a new member is inserted');
    set.bytes += member.length + itemOverheadBytes;
    return set;
  }

  /** Without a member that is in it. */
  removed(member: Uint8Array, op: number, owner: Owner): SetNode {
    const set = this.#writable(op, owner);
    invariant(set.members.delete(member), 'only a member is removed');
    set.bytes -= member.length + itemOverheadBytes;
    return set;
  }

  /** As with a queue. */
  #writable(op: number, owner: Owner): SetNode {
    if (owner === null || this.owner !== owner) {
      return new SetNode(this.name, this.version + 1, this.created, op, this.members.clone(), this.bytes, owner);
    }
    this.version++;
    this.modified = op;
    return this;
  }
}

export class CounterNode extends Leaf {
  readonly value: number;

  constructor(name: string, version: number, created: number, modified: number, value: number) {
    super(name, version, created, modified);
    this.value = value;
  }

  get type(): 'counter' {
    return 'counter';
  }

  get bytes(): number {
    return itemOverheadBytes;
  }

  get count(): 0 {
    return 0;
  }

  withValue(value: number, op: number): CounterNode {
    return new CounterNode(this.name, this.version + 1, this.created, op, value);
  }
}

export type TreeNode = DirectoryNode | BlobNode | QueueNode | SetNode | CounterNode;

/** Bytes of a node and all beneath it, names included. */
export function treeBytes(node: TreeNode): number {
  return utf8Length(node.name) + node.bytes;
}

/** Bytes of the node itself: its name and, of a leaf, what is in it. */
export function ownBytes(node: TreeNode): number {
  return utf8Length(node.name) + (node instanceof DirectoryNode ? 0 : node.bytes);
}

/**
 * A copy of a name that was cut out of a path. Engines cut long strings as views of the whole, so that without this a name
 * of 20 bytes would keep a path of 1024 alive; what is shorter than this they copy anyway.
 */
export function ownName(name: string): string {
  return name.length < 13 ? name : textOf(utf8(name))!;
}

/** A copy of a member, for the same reason: it came as a view of a frame that may be megabytes. */
export function ownMember(member: Uint8Array): Uint8Array {
  return new Uint8Array(member);
}
