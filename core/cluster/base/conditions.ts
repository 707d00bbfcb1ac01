/** What waits until something is so: looked at each tick, and over in time in any case. */

interface Waiting {
  readonly check: () => boolean;
  readonly deadlineMs: number;
  readonly done: () => void;
}

export class Conditions {
  #waiting: Waiting[] = [];

  /** Calls `done` at a later tick, once `check` is true or the deadline has come. */
  until(check: () => boolean, deadlineMs: number, done: () => void): void {
    this.#waiting.push({ check, deadlineMs, done });
  }

  tick(now: number): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    // What is done may wait again, for the next tick.
    this.#waiting = [];
    for (const one of waiting) {
      if (one.deadlineMs <= now || one.check()) one.done();
      else this.#waiting.push(one);
    }
  }

  /** Nobody waits any longer. */
  clear(): void {
    this.#waiting = [];
  }
}
