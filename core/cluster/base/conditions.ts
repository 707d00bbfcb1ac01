/** Callbacks that wait for a condition. Each tick checks them, and each ends at its deadline at the latest. */

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
    // A callback may wait again, from the next tick on.
    this.#waiting = [];
    for (const one of waiting) {
      if (one.deadlineMs <= now || one.check()) one.done();
      else this.#waiting.push(one);
    }
  }

  /** Forgets all that wait, without calling them. */
  clear(): void {
    this.#waiting = [];
  }
}
