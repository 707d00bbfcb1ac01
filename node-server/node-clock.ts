/** The `Clock` port of a process: its monotonic clock, and the check phase of its event loop as the end of a turn. */

import type { Clock } from '../core/base/ports.ts';
import { TurnWorks } from '../core/base/turn-works.ts';

export class NodeClock implements Clock {
  readonly #works = new TurnWorks((run) => () => setImmediate(run));

  now(): number {
    return Math.floor(performance.now());
  }

  /**
   * An immediate runs after everything that the poll phase delivers, so one turn of the loop is one batch. When there
   * is nothing to deliver, it runs at once.
   */
  soon(work: () => void): void {
    this.#works.add(work);
  }
}
