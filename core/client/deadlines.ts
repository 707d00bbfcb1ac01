/**
 * When calls run out of time, without a timer for each. Calls of one time-out expire in the order they were made, which is the order of a set,
 * so a set for each time-out that is in use, looked at from its front, is all that is needed.
 */

import { invariant } from '../base/assert.ts';

/** What can run out of time; the fields belong to {@link Deadlines}. */
export abstract class Timed {
  readonly timeoutMs: number;
  deadlineMs = 0;
  timed = false;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  abstract expired(): void;
}

export class Deadlines {
  readonly #sets = new Map<number, Set<Timed>>();

  add(item: Timed, nowMs: number): void {
    invariant(!item.timed, 'a call has one deadline');
    let set = this.#sets.get(item.timeoutMs);
    if (set === undefined) this.#sets.set(item.timeoutMs, (set = new Set<Timed>()));
    item.deadlineMs = nowMs + item.timeoutMs;
    item.timed = true;
    set.add(item);
  }

  remove(item: Timed): void {
    if (!item.timed) return;
    item.timed = false;
    this.#sets.get(item.timeoutMs)?.delete(item);
  }

  /** All that have a deadline, as they are now. */
  all(): readonly Timed[] {
    return [...this.#sets.values()].flatMap((set) => [...set]);
  }

  /** Calls `expired` of all whose time is over; each is removed first. */
  expire(nowMs: number): void {
    for (const [timeoutMs, set] of this.#sets) {
      for (const item of set) {
        if (item.deadlineMs > nowMs) break;
        this.remove(item);
        item.expired();
      }
      // Kept while calls of this time-out come and go; dropped at a tick that finds none, so that odd ones do not pile up.
      if (set.size === 0) this.#sets.delete(timeoutMs);
    }
  }
}
