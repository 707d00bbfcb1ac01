/** A queue: values in the order in which they came. */

import { invariant } from '../../base/assert.ts';
import type { Writer } from '../../base/bytes.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import { newItems } from '../btree.ts';
import type { SortedMap } from '../btree.ts';
import { store } from '../stored.ts';
import type { Stored } from '../stored.ts';
import { Leaf, itemOverheadBytes, maxEncodedValueBytes } from './head.ts';
import type { Contents, Owner, StoredHead } from './head.ts';

export class QueueNode extends Leaf {
  declare version: number;
  declare modified: number;
  readonly owner: Owner;
  /**
   * Items by their position. Positions are consecutive numbers that mean nothing outside this node and are not in a
   * snapshot.
   */
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

  /** Removes the front, which must exist. */
  popped(op: number, owner: Owner): QueueNode {
    const place = this.items.minKey();
    invariant(place !== undefined, 'only a queue with items is popped');
    const length = this.items.get(place)!.length;
    const queue = this.#writable(op, owner);
    queue.items.delete(place);
    queue.bytes -= length + itemOverheadBytes;
    return queue;
  }

  /** This queue if `owner` owns it, otherwise a copy. Either is marked as changed by `op`. */
  #writable(op: number, owner: Owner): QueueNode {
    if (owner === null || this.owner !== owner) {
      return new QueueNode(this.name, this.version + 1, this.created, op, this.items.clone(), this.bytes, owner);
    }
    this.version++;
    this.modified = op;
    return this;
  }

  get toldValue(): null {
    return null;
  }

  get toldNumber(): null {
    return null;
  }

  contents(): Contents {
    return { kind: 'pushed', values: this.items.values() };
  }

  write(writer: Writer): void {
    writer.uint(this.count);
  }

  static restore(reader: ChunkReader, { name, version, created, modified }: StoredHead): QueueNode {
    const count = reader.uint();
    const items = newItems();
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      const item = store(reader.bytes(maxEncodedValueBytes));
      items.set(i, item);
      bytes += item.length + itemOverheadBytes;
    }
    return new QueueNode(name, version, created, modified, items, bytes);
  }
}
