/**
 * The nodes of the tree. They are never changed once made: a write makes a new node for itself and for every directory
 * above (path copying, design §2). They are kept small, because a namespace has many: types and sums that can be told from
 * other fields are getters.
 */

import { textOf, utf8, utf8Length } from '../base/bytes.ts';
import { invariant } from '../base/assert.ts';
import type { SortedMap } from './btree.ts';
import { newItems, newMembers, newNames } from './btree.ts';
import type { Stored } from './stored.ts';

/** What an item, a member or a counter counts besides its bytes, so that empty ones cannot be had without end. */
export const itemOverheadBytes = 8;

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
  /** Whoever wants another set of children clones first. */
  readonly children: SortedMap<string, TreeNode>;
  /** Bytes of all nodes beneath, with their names. */
  readonly bytes: number;
  /** Nodes beneath. */
  readonly nodes: number;

  constructor(
    name: string,
    version: number,
    created: number,
    modified: number,
    children: SortedMap<string, TreeNode>,
    bytes: number,
    nodes: number,
  ) {
    super(name, version, created, modified);
    this.children = children;
    this.bytes = bytes;
    this.nodes = nodes;
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

  /** This directory after `op` put `after` in the place of `before`; null on either side stands for no child. */
  withChild(before: TreeNode | null, after: TreeNode | null, op: number): DirectoryNode {
    const children = this.children.clone();
    let { bytes, nodes } = this;
    if (before !== null && after !== null) {
      invariant(before.name === after.name, 'a node never changes its name');
      bytes += after.bytes - before.bytes;
      nodes += after.nodes - before.nodes;
      children.set(after.name, after);
    } else if (after !== null) {
      bytes += treeBytes(after);
      nodes += 1 + after.nodes;
      invariant(children.set(after.name, after), 'a new child has a new name');
    } else if (before !== null) {
      bytes -= treeBytes(before);
      nodes -= 1 + before.nodes;
      invariant(children.delete(before.name), 'a child that goes was there');
    }
    invariant(bytes >= 0 && nodes >= children.size, 'sums of a directory are those of its children');
    return new DirectoryNode(this.name, this.version + 1, this.created, op, children, bytes, nodes);
  }
}

abstract class Leaf extends Head {
  /** Nodes beneath: none. */
  get nodes(): 0 {
    return 0;
  }
}

export class BlobNode extends Leaf {
  readonly value: Stored;

  constructor(name: string, version: number, created: number, modified: number, value: Stored) {
    super(name, version, created, modified);
    this.value = value;
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

  withValue(value: Stored, op: number): BlobNode {
    return new BlobNode(this.name, this.version + 1, this.created, op, value);
  }
}

export class QueueNode extends Leaf {
  /** Items by their place: consecutive numbers, which mean nothing outside and are in no snapshot. */
  readonly items: SortedMap<number, Stored>;
  readonly bytes: number;

  constructor(
    name: string,
    version: number,
    created: number,
    modified: number,
    items: SortedMap<number, Stored>,
    bytes: number,
  ) {
    super(name, version, created, modified);
    this.items = items;
    this.bytes = bytes;
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

  pushed(value: Stored, op: number): QueueNode {
    const items = this.items.clone();
    items.set((this.items.maxKey() ?? -1) + 1, value);
    const bytes = this.bytes + value.length + itemOverheadBytes;
    return new QueueNode(this.name, this.version + 1, this.created, op, items, bytes);
  }

  /** Without its front, which must be there. */
  popped(op: number): QueueNode {
    const place = this.items.minKey();
    invariant(place !== undefined, 'only a queue with items is popped');
    const bytes = this.bytes - this.items.get(place)!.length - itemOverheadBytes;
    const items = this.items.clone();
    items.delete(place);
    return new QueueNode(this.name, this.version + 1, this.created, op, items, bytes);
  }
}

export class SetNode extends Leaf {
  readonly members: SortedMap<Uint8Array, undefined>;
  readonly bytes: number;

  constructor(
    name: string,
    version: number,
    created: number,
    modified: number,
    members: SortedMap<Uint8Array, undefined>,
    bytes: number,
  ) {
    super(name, version, created, modified);
    this.members = members;
    this.bytes = bytes;
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
  inserted(member: Uint8Array, op: number): SetNode {
    const members = this.members.clone();
    invariant(members.set(member, undefined), 'only a new member is inserted');
    const bytes = this.bytes + member.length + itemOverheadBytes;
    return new SetNode(this.name, this.version + 1, this.created, op, members, bytes);
  }

  /** Without a member that is in it. */
  removed(member: Uint8Array, op: number): SetNode {
    const members = this.members.clone();
    invariant(members.delete(member), 'only a member is removed');
    const bytes = this.bytes - member.length - itemOverheadBytes;
    return new SetNode(this.name, this.version + 1, this.created, op, members, bytes);
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
