/**
 * The replicated clock T (protocol §7, "Time"). Between any two entries it grows by no more than the time between their making, or a
 * lease would be short: so it is brought up to now before an entry's timestamp is read, and a view counts from the moment in which it
 * begins, not from the tick before. It stalls while nobody is served.
 */

import type { Core } from './core.ts';
import type { ClockPart } from './parts.ts';

export class ReplicatedClock implements ClockPart {
  readonly #core: Core;
  /** Up to here time was counted, or seen not to count. */
  #countedTo: number;
  #base = 0;
  #elapsed = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#countedTo = core.now;
  }

  /** The view that this replica leads begins: time goes on from the head's timestamp. */
  beginView(): void {
    this.#base = this.#core.log.headTimestamp();
    this.#elapsed = 0;
  }

  /**
   * Before each input: brings the clock up to now. Time in which the primary did not serve (it had abdicated, or the suffix of its
   * view was not committed) adds nothing, and one advance adds at most the suspicion time: through a longer pause nobody was served.
   */
  advance(): void {
    const { now, timing, parts } = this.#core;
    const passed = now - this.#countedTo;
    if (passed <= 0) return;
    this.#countedTo = now;
    if (parts.primary.serving && parts.primary.settled) this.#elapsed += Math.min(passed, timing.suspicionMs);
  }

  /** The timestamp of an entry that is made now by the primary. */
  timestamp(): number {
    return this.#base + this.#elapsed;
  }
}
