/** The `Clock` port of a process: its monotonic clock, and the check phase of its loop as the end of a turn. */

import type { Clock } from '../core/base/ports.ts';
import { TurnWorks } from '../core/base/turn-works.ts';

export class NodeClock implements Clock {
  readonly #works = new TurnWorks((run) => () => setImmediate(run));

  now(): number {
    return Math.floor(performance.now());
  }

  /**
   * An immediate runs after everything that the poll phase had to deliver, so one turn of the loop is one batch, and with
   * nothing else to deliver it runs at once.
   */
  soon(work: () => void): void {
    this.#works.add(work);
  }
}
