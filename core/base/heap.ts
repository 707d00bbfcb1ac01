/**
 * A binary heap: the first of many items in an order. Adding and removing takes O(log n). Deadlines and virtual time
 * use it.
 */

import { invariant } from './assert.ts';

/** An item of a heap. The heap owns `index`, the item's place, so that an item is removed without a search. */
export interface HeapItem {
  index: number;
}

export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** @param before the order. It must be total, so that the same items come out in the same order everywhere. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The first in the order. */
  get top(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    item.index = this.#items.length;
    this.#items.push(item);
    this.#up(item);
  }

  remove(item: T): void {
    const items = this.#items;
    const { index } = item;
    invariant(items[index] === item, 'an item that is removed from a heap is in it', { index });
    const last = items.pop()!;
    if (last === item) return;
    last.index = index;
    items[index] = last;
    this.#up(last);
    this.#down(last);
  }

  /** The key of an item has grown, so it gets a new place. */
  later(item: T): void {
    this.#down(item);
  }

  #up(item: T): void {
    const items = this.#items;
    let { index } = item;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = items[above]!;
      if (!this.#before(item, parent)) break;
      items[index] = parent;
      parent.index = index;
      index = above;
    }
    items[index] = item;
    item.index = index;
  }

  #down(item: T): void {
    const items = this.#items;
    let { index } = item;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && this.#before(items[below + 1]!, items[below]!)) below++;
      const child = items[below]!;
      if (!this.#before(child, item)) break;
      items[index] = child;
      child.index = index;
      index = below;
    }
    items[index] = item;
    item.index = index;
  }
}
