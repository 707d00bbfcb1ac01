/** `deadlines.ts` for pages, which load less and make fewer calls. To look at each of them is fast enough there. */

/** A call that can run out of time. */
export abstract class Timed {
  readonly timeoutMs: number;
  deadlineMs = Infinity;
  timed = false;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  abstract expired(): void;
}

export class Deadlines {
  readonly #items = new Set<Timed>();

  add(item: Timed, nowMs: number): void {
    item.deadlineMs = nowMs + item.timeoutMs;
    item.timed = true;
    this.#items.add(item);
  }

  remove(item: Timed): void {
    item.timed = false;
    this.#items.delete(item);
  }

  /** All calls that have a deadline now. */
  all(): readonly Timed[] {
    return [...this.#items];
  }

  /** Calls `expired` of all calls whose time is over. Each is removed first. */
  expire(nowMs: number): void {
    for (const item of this.#items) {
      if (item.deadlineMs > nowMs) continue;
      this.remove(item);
      item.expired();
    }
  }
}
