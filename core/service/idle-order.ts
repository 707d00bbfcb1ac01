/**
 * Finds the session whose time-out comes first, without a scan. It is a heap whose keys may be older than the last sign of
 * life. A key is brought up to date only when it reaches the top. So a sign of life costs one assignment, and finding
 * the oldest costs O(log n), amortised.
 */

import { invariant } from '../base/assert.ts';
import type { HeapItem } from '../base/heap.ts';
import { Heap } from '../base/heap.ts';
import type { SessionId } from '../base/ids.ts';

/**
 * One session's place in the order. Its owner raises `seenMs`, which never goes down. The heap owns the other fields.
 */
export interface IdleNode extends HeapItem {
  readonly id: SessionId;
  seenMs: number;
  /** How long after its last sign of life its time comes. */
  readonly spanMs: number;
  /** At most `seenMs + spanMs`. The heap sorts the session by this key. */
  keyMs: number;
}

/**
 * Sessions by the replicated time at which they are due, and then by id. The order is the same on every replica.
 */
export class IdleOrder {
  readonly #heap = new Heap<IdleNode>(before);

  get size(): number {
    return this.#heap.size;
  }

  add(id: SessionId, seenMs: number, spanMs: number): IdleNode {
    const node: IdleNode = { id, seenMs, spanMs, keyMs: seenMs + spanMs, index: 0 };
    this.#heap.add(node);
    return node;
  }

  remove(node: IdleNode): void {
    this.#heap.remove(node);
  }

  /**
   * The session whose time comes first. A key is never too late, so if the top's key is up to date, the top is the first
   * of all.
   */
  first(): IdleNode | null {
    for (;;) {
      const { top } = this.#heap;
      if (top === undefined) return null;
      const due = top.seenMs + top.spanMs;
      if (top.keyMs === due) return top;
      invariant(top.keyMs < due, 'a sign of life is never taken back', { id: top.id });
      top.keyMs = due;
      this.#heap.later(top);
    }
  }
}

function before(a: IdleNode, b: IdleNode): boolean {
  return a.keyMs !== b.keyMs ? a.keyMs < b.keyMs : a.id < b.id;
}
