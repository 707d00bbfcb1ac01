/** A leaf of many values in a sorted map: what a queue and a set have in common. */

import type { Writer } from '../../base/bytes.ts';
import type { Op } from '../../base/ids.ts';
import type { SortedMap } from '../btree.ts';
import { Leaf, owns } from './head.ts';
import type { NodeHead, Owner } from './head.ts';

export abstract class Many<K, V> extends Leaf {
  declare version: number;
  declare modified: Op;
  readonly owner: Owner;
  /** A writer that does not own this leaf clones it first. */
  protected readonly entries: SortedMap<K, V>;
  bytes: number;

  constructor(head: NodeHead, entries: SortedMap<K, V>, bytes: number, owner: Owner = null) {
    super(head);
    this.entries = entries;
    this.bytes = bytes;
    this.owner = owner;
  }

  get count(): number {
    return this.entries.size;
  }

  /** This leaf if `owner` owns it, else a copy that `owner` owns. In either case it is as changed by `op`. */
  protected writable(op: Op, owner: Owner): this {
    if (!owns(owner, this)) return this.copied(this.changedBy(op), owner) as this;
    this.version++;
    this.modified = op;
    return this;
  }

  /** The same values under another head. The copy is of the same class. */
  abstract override copied(head: NodeHead, owner: Owner): Many<K, V>;

  get toldValue(): null {
    return null;
  }

  get toldNumber(): null {
    return null;
  }

  write(writer: Writer): void {
    writer.uint(this.count);
  }
}
