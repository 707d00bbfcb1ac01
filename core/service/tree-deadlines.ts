/**
 * The times at which something in the tree is over: waits, shadows and times to live (coordination §1). They follow from the tree, so no
 * snapshot has them.
 */

import { compareText } from '../base/bytes.ts';
import { Heap } from '../base/heap.ts';
import type { HeapItem } from '../base/heap.ts';
import { deadlineKinds } from '../tree/acting.ts';
import type { TreeDeadline } from '../tree/acting.ts';

type Item = TreeDeadline & HeapItem;

export class TreeDeadlines {
  readonly #heap = new Heap<Item>(before);
  readonly #items = new Map<string, Item>();

  get size(): number {
    return this.#items.size;
  }

  /** The first, or null. */
  get first(): TreeDeadline | null {
    return this.#heap.top ?? null;
  }

  add(deadline: TreeDeadline): void {
    this.remove(deadline);
    const item = { ...deadline, index: 0 };
    this.#items.set(keyOf(deadline), item);
    this.#heap.add(item);
  }

  /** One that is not there any more changes nothing. */
  remove(deadline: TreeDeadline): void {
    const key = keyOf(deadline);
    const item = this.#items.get(key);
    if (item === undefined) return;
    this.#items.delete(key);
    this.#heap.remove(item);
  }
}

function keyOf({ kind, id, path }: TreeDeadline): string {
  return `${kind}${id}${path}`;
}

/** The order in which what is due together is done (coordination §14). */
function before(a: Item, b: Item): boolean {
  if (a.at !== b.at) return a.at < b.at;
  if (a.kind !== b.kind) return deadlineKinds.indexOf(a.kind) < deadlineKinds.indexOf(b.kind);
  return a.id !== b.id ? a.id < b.id : compareText(a.path, b.path) < 0;
}
