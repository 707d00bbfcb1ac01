/** A directory: its children by name, and the sums of everything beneath it. */

import { invariant } from '../../base/assert.ts';
import type { Op } from '../../base/ids.ts';
import { newNames } from '../btree.ts';
import type { SortedMap } from '../btree.ts';
import type { TreeNode } from '../node.ts';
import { Head, growthOfBytes, newHead, owns, treeBytes } from './head.ts';
import type { Growth, NodeHead, Owner } from './head.ts';

/** A smaller directory is searched as fast as a hash table. */
const minIndexed = 32;

/** How a change marks the directories above it. */
export interface Mark {
  readonly op: Op;
  readonly owner: Owner;
  /**
   * Who waits in a line is no change of what a directory holds, so its version stays (`quiet`). What moves only a
   * deadline is no change at all (`still`) (coordination §9).
   */
  readonly as: 'change' | 'quiet' | 'still';
}

export class DirectoryNode extends Head {
  declare version: number;
  declare modified: Op;
  readonly owner: Owner;
  /** A writer that does not own this directory clones it first. */
  readonly children: SortedMap<string, TreeNode>;
  /** Bytes of all nodes beneath, including their names. */
  bytes: number;
  /** How many nodes are beneath. */
  nodes: number;
  /** What all nodes beneath hold, and what belongs to sessions there (coordination §6). */
  held: number;
  owned: number;
  /** Nodes beneath that have a life (coordination §9). */
  livesBeneath: number;
  /** Made by a claim, and so removed with its last child. */
  readonly auto: boolean;
  /**
   * Children by name, made once there were enough look-ups to pay for it. A look-up among many names in a B+ tree takes
   * a dozen comparisons.
   */
  #index: Map<string, TreeNode> | null = null;
  #lookups = 0;

  /** `beneath` is the sum of all children. */
  constructor(
    head: NodeHead,
    children: SortedMap<string, TreeNode>,
    beneath: Growth,
    { auto, owner }: { readonly auto: boolean; readonly owner: Owner },
  ) {
    super(head);
    this.children = children;
    this.bytes = beneath.bytes;
    this.nodes = beneath.nodes;
    this.held = beneath.held;
    this.owned = beneath.owned;
    this.livesBeneath = beneath.lives;
    this.auto = auto;
    this.owner = owner;
  }

  static empty(name: string, op: Op): DirectoryNode {
    return new DirectoryNode(newHead(name, op), newNames(), growthOfBytes(0), { auto: false, owner: null });
  }

  /** A new directory with only this child, made by `op`. */
  static around(name: string, op: Op, child: TreeNode, auto: boolean): DirectoryNode {
    const children = newNames<TreeNode>();
    children.set(child.name, child);
    const { held, owned, lives } = child;
    const beneath = { bytes: treeBytes(child), nodes: 1 + child.nodes, held, owned, lives };
    return new DirectoryNode(newHead(name, op), children, beneath, { auto, owner: null });
  }

  get type(): 'directory' {
    return 'directory';
  }

  get count(): number {
    return this.children.size;
  }

  /** This directory, which now stays when it is empty. */
  kept(op: Op, owner: Owner): DirectoryNode {
    return new DirectoryNode(this.changedBy(op), this.children.clone(), this.#beneath, { auto: false, owner });
  }

  get #beneath(): Growth {
    const { bytes, nodes, held, owned } = this;
    return { bytes, nodes, held, owned, lives: this.livesBeneath };
  }

  get lives(): number {
    return this.livesBeneath + (this.life === null ? 0 : 1);
  }

  /** The same directory under another head. */
  copied(head: NodeHead, owner: Owner): DirectoryNode {
    return new DirectoryNode(head, this.children.clone(), this.#beneath, { auto: this.auto, owner });
  }

  /** The child of this name. */
  child(name: string): TreeNode | undefined {
    if (this.#index !== null) return this.#index.get(name);
    // Only a directory that is changed in place lives long enough. The index of one that the next write copies would be
    // made in vain.
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
   * This directory after `op` replaced `before` with `after`. Null on either side means no child. The caller gives
   * `growth`, because a child that was changed in place no longer shows what it was.
   */
  withChild(before: TreeNode | null, after: TreeNode | null, growth: Growth, mark: Mark): DirectoryNode {
    const { op, owner, as } = mark;
    const bytes = this.bytes + growth.bytes;
    const nodes = this.nodes + growth.nodes;
    const held = this.held + growth.held;
    const owned = this.owned + growth.owned;
    const lives = this.livesBeneath + growth.lives;
    const sound = bytes >= 0 && nodes >= 0 && held >= 0 && owned >= held && lives >= 0;
    invariant(sound, 'the sums of a directory are at least 0');
    if (!owns(owner, this)) {
      const children = this.children.clone();
      putChild(children, before, after);
      const head = as === 'still' ? this : as === 'quiet' ? this.sameHead(op) : this.changedBy(op);
      return new DirectoryNode(head, children, { bytes, nodes, held, owned, lives }, { auto: this.auto, owner });
    }
    if (before !== after) {
      putChild(this.children, before, after);
      if (after !== null) this.#index?.set(after.name, after);
      else if (before !== null) this.#index?.delete(before.name);
    }
    this.bytes = bytes;
    this.nodes = nodes;
    this.held = held;
    this.owned = owned;
    this.livesBeneath = lives;
    if (as === 'change') this.version++;
    if (as !== 'still') this.modified = op;
    return this;
  }
}

function putChild(children: SortedMap<string, TreeNode>, before: TreeNode | null, after: TreeNode | null): void {
  if (after !== null) {
    const isNew = children.set(after.name, after);
    invariant(isNew === (before === null), 'a node never changes its name, and a new one has a new name');
  } else if (before !== null) {
    invariant(children.delete(before.name), 'a child that is removed existed');
  }
}
