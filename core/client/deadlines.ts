/**
 * When calls run out of time, without a timer for each. Calls of one time-out expire in the order they were made, so a list
 * for each time-out that is in use, looked at from its front, is all that is needed.
 */

import { invariant } from '../base/assert.ts';

/** What can run out of time; the fields belong to {@link Deadlines}. */
export abstract class Timed {
  readonly timeoutMs: number;
  deadlineMs = 0;
  earlier: Timed | null = null;
  later: Timed | null = null;
  timed = false;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  abstract expired(): void;
}

interface TimedList {
  first: Timed | null;
  last: Timed | null;
}

export class Deadlines {
  readonly #lists = new Map<number, TimedList>();

  add(item: Timed, nowMs: number): void {
    invariant(!item.timed, 'a call has one deadline');
    let list = this.#lists.get(item.timeoutMs);
    if (list === undefined) {
      list = { first: null, last: null };
      this.#lists.set(item.timeoutMs, list);
    }
    item.deadlineMs = nowMs + item.timeoutMs;
    item.timed = true;
    item.earlier = list.last;
    if (list.last === null) list.first = item;
    else list.last.later = item;
    list.last = item;
  }

  remove(item: Timed): void {
    if (!item.timed) return;
    const list = this.#lists.get(item.timeoutMs);
    invariant(list !== undefined, 'a timed call is in a list');
    if (item.earlier === null) list.first = item.later;
    else item.earlier.later = item.later;
    if (item.later === null) list.last = item.earlier;
    else item.later.earlier = item.earlier;
    item.earlier = null;
    item.later = null;
    item.timed = false;
  }

  /** All that have a deadline, as they are now. */
  all(): readonly Timed[] {
    const all: Timed[] = [];
    for (const list of this.#lists.values())
      for (let item = list.first; item !== null; item = item.later) all.push(item);
    return all;
  }

  /** Calls `expired` of all whose time is over; each is removed first. */
  expire(nowMs: number): void {
    for (const [timeoutMs, list] of this.#lists) {
      for (let item = list.first; item !== null && item.deadlineMs <= nowMs; item = list.first) {
        this.remove(item);
        item.expired();
      }
      // Kept while calls of this time-out come and go; dropped at a tick that finds none, so that odd ones do not pile up.
      if (list.first === null && this.#lists.get(timeoutMs) === list) this.#lists.delete(timeoutMs);
    }
  }
}
