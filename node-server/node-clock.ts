/** The `Clock` port of a process: its monotonic clock, and the check phase of its loop as the end of a turn. */

import type { Clock } from '../core/base/ports.ts';

export class NodeClock implements Clock {
  #works: (() => void)[] = [];

  now(): number {
    return Math.floor(performance.now());
  }

  /**
   * An immediate runs after everything that the poll phase had to deliver, so one turn of the loop is one batch, and with
   * nothing else to deliver it runs at once.
   */
  soon(work: () => void): void {
    if (this.#works.push(work) === 1) setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const works = this.#works;
    this.#works = [];
    for (let i = 0; i < works.length; i++) {
      try {
        works[i]!();
      } catch (error) {
        // The process ends by this error as a rule. Where something catches it, the rest of the turn must not be lost.
        for (const rest of works.slice(i + 1)) this.soon(rest);
        throw error;
      }
    }
  };
}
