/**
 * When calls run out of time, without a timer for each. Calls of one time-out expire in the order they were made, so a list for each
 * time-out that is in use, looked at from its front, is all that is needed.
 *
 * The lists are rings that are linked through the calls, because thousands a second come and go: see `Numbered` for what a Set would cost.
 */

import { invariant } from '../base/assert.ts';

/** What can run out of time; all but `timeoutMs` belongs to {@link Deadlines}. */
export abstract class Timed {
  readonly timeoutMs: number;
  deadlineMs = Infinity;
  /** Its neighbours in the ring; null while it is in none. */
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

/** Where the two ends of a ring meet. Its time never comes. */
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
    // What is out refers to none that is in: it may be old, and keep all that came after it.
    item.earlier = item.later = null;
  }

  /** All that have a deadline, as they are now. */
  all(): readonly Timed[] {
    const all: Timed[] = [];
    for (const ends of this.#rings.values()) {
      for (let item = ends.later; item !== ends; item = item.later!) all.push(item);
    }
    return all;
  }

  /** Calls `expired` of all whose time is over; each is removed first. */
  expire(nowMs: number): void {
    for (const [timeoutMs, ends] of this.#rings) {
      for (let item = ends.later; item.deadlineMs <= nowMs; item = ends.later) {
        this.remove(item);
        item.expired();
      }
      // Kept while calls of this time-out come and go; dropped at a tick that finds none, so that odd ones do not pile up.
      if (ends.later === ends) this.#rings.delete(timeoutMs);
    }
  }
}
