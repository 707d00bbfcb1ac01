/**
 * Finds the session that was idle longest, without a scan. It is a heap whose keys may be older than the last sign of
 * life. A key is brought up to date only when it reaches the top. So a sign of life costs one assignment, and finding
 * the oldest costs O(log n), amortised.
 */

import { invariant } from '../base/assert.ts';

/**
 * One session's place in the order. Its owner raises `seenMs`, which never goes down. The heap owns the other fields.
 */
export interface IdleNode {
  readonly id: number;
  seenMs: number;
  /** At most `seenMs`. The heap sorts the session by this key. */
  keyMs: number;
  index: number;
}

/**
 * Sessions by the replicated time of their last sign of life, and then by id. The order is the same on every replica.
 */
export class IdleOrder {
  readonly #heap: IdleNode[] = [];

  get size(): number {
    return this.#heap.length;
  }

  add(id: number, seenMs: number): IdleNode {
    const node: IdleNode = { id, seenMs, keyMs: seenMs, index: this.#heap.length };
    this.#heap.push(node);
    this.#up(node);
    return node;
  }

  remove(node: IdleNode): void {
    const { index } = node;
    invariant(this.#heap[index] === node, 'a removed session is in the order', { id: node.id });
    const last = this.#heap.pop()!;
    if (last === node) return;
    last.index = index;
    this.#heap[index] = last;
    this.#up(last);
    this.#down(last);
  }

  /**
   * The session that was idle longest. A key is never above its `seenMs`, so if the top's key is up to date, the top is
   * the oldest of all.
   */
  oldest(): IdleNode | null {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return null;
      if (top.keyMs === top.seenMs) return top;
      invariant(top.keyMs < top.seenMs, 'a sign of life is never taken back', { id: top.id });
      top.keyMs = top.seenMs;
      this.#down(top);
    }
  }

  #up(node: IdleNode): void {
    const heap = this.#heap;
    let { index } = node;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex]!;
      if (!before(node, parent)) break;
      heap[index] = parent;
      parent.index = index;
      index = parentIndex;
    }
    heap[index] = node;
    node.index = index;
  }

  #down(node: IdleNode): void {
    const heap = this.#heap;
    let { index } = node;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= heap.length) break;
      if (childIndex + 1 < heap.length && before(heap[childIndex + 1]!, heap[childIndex]!)) childIndex++;
      const child = heap[childIndex]!;
      if (!before(child, node)) break;
      heap[index] = child;
      child.index = index;
      index = childIndex;
    }
    heap[index] = node;
    node.index = index;
  }
}

function before(a: IdleNode, b: IdleNode): boolean {
  return a.keyMs !== b.keyMs ? a.keyMs < b.keyMs : a.id < b.id;
}
