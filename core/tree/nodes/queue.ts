/** A queue: values in the order in which they came. */

import { invariant } from '../../base/assert.ts';
import type { ChunkReader } from '../../base/chunk-reader.ts';
import type { Op } from '../../base/ids.ts';
import { newItems } from '../btree.ts';
import type { SortedMap } from '../btree.ts';
import { store } from '../stored.ts';
import type { Stored } from '../stored.ts';
import { itemOverheadBytes, maxEncodedValueBytes, newHead } from './head.ts';
import type { Contents, NodeHead, Owner } from './head.ts';
import { Many } from './many.ts';

export class QueueNode extends Many<number, Stored> {
  get type(): 'queue' {
    return 'queue';
  }

  /** Items by their place: consecutive numbers, which mean nothing outside and are in no snapshot. */
  get items(): SortedMap<number, Stored> {
    return this.entries;
  }

  static empty(name: string, op: Op): QueueNode {
    return new QueueNode(newHead(name, op), newItems(), 0);
  }

  front(): Stored | null {
    const place = this.items.minKey();
    return place === undefined ? null : this.items.get(place)!;
  }

  back(): Stored | null {
    const place = this.items.maxKey();
    return place === undefined ? null : this.items.get(place)!;
  }

  pushed(value: Stored, op: Op, owner: Owner): this {
    const queue = this.writable(op, owner);
    queue.items.set((this.items.maxKey() ?? -1) + 1, value);
    queue.bytes += value.length + itemOverheadBytes;
    return queue;
  }

  /** Removes the front, which must exist. */
  popped(op: Op, owner: Owner): this {
    const place = this.items.minKey();
    invariant(place !== undefined, 'only a queue with items is popped');
    const length = this.items.get(place)!.length;
    const queue = this.writable(op, owner);
    queue.items.delete(place);
    queue.bytes -= length + itemOverheadBytes;
    return queue;
  }

  copied(head: NodeHead, owner: Owner): QueueNode {
    return new QueueNode(head, this.entries.clone(), this.bytes, owner);
  }

  contents(): Contents {
    return { kind: 'pushed', values: this.items.values() };
  }

  static restore(reader: ChunkReader, head: NodeHead): QueueNode {
    const count = reader.uint();
    const items = newItems();
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      const item = store(reader.bytes(maxEncodedValueBytes));
      items.set(i, item);
      bytes += item.length + itemOverheadBytes;
    }
    return new QueueNode(head, items, bytes);
  }
}
