/**
 * The replicated clock T (protocol §7, "Time"). Between any two entries it grows by no more than the time between their
 * making, or a lease would end early. So it is brought up to now before an entry's timestamp is read, and a view counts
 * from the moment in which it begins, not from the tick before. It stands still while the primary does not serve.
 */

import type { Core } from './core.ts';
import type { ClockPart } from './parts.ts';

export class ReplicatedClock implements ClockPart {
  readonly #core: Core;
  /** Time up to here was either counted or found not to count. */
  #countedTo: number;
  #base = 0;
  #elapsed = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#countedTo = core.now;
  }

  /** The view that this replica leads begins. Time goes on from the timestamp of the head. */
  beginView(): void {
    this.#base = this.#core.log.headTimestamp();
    this.#elapsed = 0;
  }

  /**
   * Before each input: brings the clock up to now. Time in which the primary did not serve, because it had abdicated or
   * because the suffix of its view was not committed, adds nothing. One advance adds at most the suspicion time: during
   * a longer pause, the primary served no one.
   */
  advance(): void {
    const { now, timing, parts } = this.#core;
    const passed = now - this.#countedTo;
    if (passed <= 0) return;
    this.#countedTo = now;
    if (parts.primary.serving && parts.primary.settled) this.#elapsed += Math.min(passed, timing.suspicionMs);
  }

  /** The timestamp of an entry that the primary makes now. */
  timestamp(): number {
    return this.#base + this.#elapsed;
  }
}
