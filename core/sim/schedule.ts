/**
 * Virtual time: future events, ordered by their time and, at the same time, by the order in which they were asked for.
 */

import { invariant } from '../base/assert.ts';
import type { HeapItem } from '../base/heap.ts';
import { Heap } from '../base/heap.ts';
import type { Clock } from '../base/ports.ts';

interface Planned extends HeapItem {
  readonly atUs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A queue of events in whole microseconds. The same calls give the same order everywhere. */
export class Schedule {
  #nowUs = 0;
  #order = 0;
  readonly #planned = new Heap<Planned>(before);

  /** The time of those who have no clock of their own. */
  readonly clock: Clock = { now: () => this.nowMs, soon: (work) => this.after(0, work) };

  get nowUs(): number {
    return this.#nowUs;
  }

  get nowMs(): number {
    return Math.floor(this.#nowUs / 1000);
  }

  get waiting(): number {
    return this.#planned.size;
  }

  /** Runs `run` after `delayUs`, a whole number of microseconds from 0 on. */
  after(delayUs: number, run: () => void): void {
    invariant(Number.isSafeInteger(delayUs) && delayUs >= 0, 'delays are whole microseconds', { delayUs });
    this.#planned.add({ atUs: this.#nowUs + delayUs, order: this.#order++, run, index: 0 });
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    const next = this.#planned.top;
    if (next === undefined) return false;
    this.#planned.remove(next);
    this.#nowUs = next.atUs;
    next.run();
    return true;
  }
}

function before(a: Planned, b: Planned): boolean {
  return a.atUs !== b.atUs ? a.atUs < b.atUs : a.order < b.order;
}
