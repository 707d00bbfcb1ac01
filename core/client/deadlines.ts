/**
 * When calls run out of time, without a timer for each. Calls of one time-out expire in the order they were made, so a list for each
 * time-out that is in use, looked at from its front, is all that is needed.
 *
 * The lists are linked through the calls. A Set of thousands a second leaves behind a chain of outgrown tables, each of which refers to the
 * next: once one of them is old, the collector of young objects takes all that were ever in the later ones for alive.
 */

import { invariant } from '../base/assert.ts';

/** What can run out of time; the fields belong to {@link Deadlines}. */
export abstract class Timed {
  readonly timeoutMs: number;
  deadlineMs = 0;
  list: DeadlineList | null = null;
  earlier: Timed | null = null;
  later: Timed | null = null;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  get timed(): boolean {
    return this.list !== null;
  }

  abstract expired(): void;
}

interface DeadlineList {
  first: Timed | null;
  last: Timed | null;
}

export class Deadlines {
  readonly #lists = new Map<number, DeadlineList>();

  add(item: Timed, nowMs: number): void {
    invariant(!item.timed, 'a call has one deadline');
    let list = this.#lists.get(item.timeoutMs);
    if (list === undefined) this.#lists.set(item.timeoutMs, (list = { first: null, last: null }));
    item.deadlineMs = nowMs + item.timeoutMs;
    item.list = list;
    item.earlier = list.last;
    if (list.last === null) list.first = item;
    else list.last.later = item;
    list.last = item;
  }

  remove(item: Timed): void {
    const { list, earlier, later } = item;
    if (list === null) return;
    if (earlier === null) list.first = later;
    else earlier.later = later;
    if (later === null) list.last = earlier;
    else later.earlier = earlier;
    // What is out refers to none that is in, see above.
    item.list = item.earlier = item.later = null;
  }

  /** All that have a deadline, as they are now. */
  all(): readonly Timed[] {
    const all: Timed[] = [];
    for (const { first } of this.#lists.values())
      for (let item = first; item !== null; item = item.later) all.push(item);
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
      if (list.first === null) this.#lists.delete(timeoutMs);
    }
  }
}
