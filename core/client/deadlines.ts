/**
 * The deadlines of calls, without a timer for each. Calls with the same time-out expire in the order in which they were
 * made. So one list for each time-out is enough, and only its front is looked at.
 *
 * The lists are rings that are linked through the calls, because thousands of calls come and go each second. `Numbered`
 * says what a Set would cost.
 */

import { invariant } from '../base/assert.ts';

/** A call that can run out of time. All fields except `timeoutMs` belong to {@link Deadlines}. */
export abstract class Timed {
  readonly timeoutMs: number;
  deadlineMs = Infinity;
  /** Its neighbours in the ring. Null while it is in no ring. */
  earlier: Timed | null = null;
  later: Timed | null = null;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  get timed(): boolean {
    return this.later !== null;
  }

  abstract expired(): void;
}

/** The point at which the two ends of a ring meet. Its time never comes. */
class Ends extends Timed {
  override earlier: Timed = this;
  override later: Timed = this;

  override expired(): void {
    return undefined;
  }
}

export class Deadlines {
  readonly #rings = new Map<number, Ends>();

  add(item: Timed, nowMs: number): void {
    invariant(!item.timed, 'a call has one deadline');
    const { timeoutMs } = item;
    let ends = this.#rings.get(timeoutMs);
    if (ends === undefined) this.#rings.set(timeoutMs, (ends = new Ends(timeoutMs)));
    item.deadlineMs = nowMs + timeoutMs;
    item.later = ends;
    item.earlier = ends.earlier;
    ends.earlier = ends.earlier.later = item;
  }

  remove(item: Timed): void {
    const { earlier, later } = item;
    if (earlier === null || later === null) return;
    earlier.later = later;
    later.earlier = earlier;
    // A removed call must not refer to calls in the ring. It may be kept for long, and would keep all later calls
    // alive.
    item.earlier = item.later = null;
  }

  /** All calls that have a deadline now. */
  all(): readonly Timed[] {
    const all: Timed[] = [];
    for (const ends of this.#rings.values()) {
      for (let item = ends.later; item !== ends; item = item.later!) all.push(item);
    }
    return all;
  }

  /** Calls `expired` of all calls whose time is over. Each is removed first. */
  expire(nowMs: number): void {
    for (const [timeoutMs, ends] of this.#rings) {
      for (let item = ends.later; item.deadlineMs <= nowMs; item = ends.later) {
        this.remove(item);
        item.expired();
      }
      // A ring is kept while calls with this time-out come and go. A tick that finds it empty drops it, so that rare
      // time-outs do not pile up.
      if (ends.later === ends) this.#rings.delete(timeoutMs);
    }
  }
}
