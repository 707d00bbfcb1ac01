/** Virtual time: what is to happen, in the order of its time and, at one time, in the order in which it was asked for. */

import { invariant } from '../base/assert.ts';
import type { Clock } from '../base/ports.ts';

interface Planned {
  readonly atUs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A queue of events over whole microseconds. The same calls give the same order, everywhere. */
export class Schedule {
  #nowUs = 0;
  #order = 0;
  #heap: Planned[] = [];

  /** The time of those who have no clock of their own. */
  readonly clock: Clock = { now: () => this.nowMs, soon: (work) => this.after(0, work) };

  get nowUs(): number {
    return this.#nowUs;
  }

  get nowMs(): number {
    return Math.floor(this.#nowUs / 1000);
  }

  get waiting(): number {
    return this.#heap.length;
  }

  /** Runs `run` after `delayUs`, whole microseconds of 0 or more. */
  after(delayUs: number, run: () => void): void {
    invariant(Number.isSafeInteger(delayUs) && delayUs >= 0, 'delays are whole microseconds', { delayUs });
    const planned = { atUs: this.#nowUs + delayUs, order: this.#order++, run };
    const heap = this.#heap;
    heap.push(planned);
    let at = heap.length - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(planned, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = planned;
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    const heap = this.#heap;
    const next = heap[0];
    if (next === undefined) return false;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    this.#nowUs = next.atUs;
    next.run();
    return true;
  }

  #sink(planned: Planned): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      if (!before(heap[below]!, planned)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = planned;
  }
}

function before(a: Planned, b: Planned): boolean {
  return a.atUs !== b.atUs ? a.atUs < b.atUs : a.order < b.order;
}
