/** The replicated clock: timestamps that stall without a primary and never outrun real time (protocol §7, "Time"). */

import type { Core } from './core.ts';

export class ReplicatedClock {
  readonly #core: Core;
  #lastTick: number;
  #base = 0;
  #elapsed = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#lastTick = core.now;
  }

  /** The view that this replica leads begins: time goes on from the head's timestamp. */
  beginView(): void {
    this.#base = this.#core.log.headTimestamp();
    this.#elapsed = 0;
  }

  /** A tick adds at most the suspicion time: what a pause was longer, nobody was served. */
  tick(now: number): void {
    this.#elapsed += Math.min(Math.max(0, now - this.#lastTick), this.#core.timing.suspicionMs);
    this.#lastTick = now;
  }

  /** The timestamp of an entry that is made now by the primary. */
  timestamp(): number {
    return this.#base + this.#elapsed;
  }
}
