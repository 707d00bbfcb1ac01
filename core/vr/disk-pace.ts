/**
 * How the disk under this replica keeps up. What waits for it counts only while this process was awake, so that a pause of the process is no
 * fault of the disk. A disk that was always slow is not a disk that stopped (V33).
 */

import type { ReplicaTiming } from './times.ts';
import { replicaTimes } from './times.ts';

/** A batch that takes so many times as long as batches usually take is stuck. */
const unusual = 3;
/** How much the last batch counts for what is usual. */
const lastPart = 1 / 8;

export class DiskPace {
  readonly #stallMs: number;
  /** A tick is no later than this while the process is awake. */
  readonly #awakeTickMs: number;
  #tickedMs: number;
  #awakeMs = 0;
  /** Time without progress while something waits. */
  #waitedMs = 0;
  #usualMs = 0;

  constructor(nowMs: number, timing: ReplicaTiming) {
    this.#tickedMs = nowMs;
    this.#stallMs = replicaTimes(timing).diskStallMs;
    this.#awakeTickMs = timing.heartbeatMs;
  }

  /** How long this process was awake. What is handed to the disk is marked with it. */
  get awakeMs(): number {
    return this.#awakeMs;
  }

  /** @param waits something was handed to the disk and is not durable. */
  tick(nowMs: number, waits: boolean): void {
    const passedMs = Math.min(nowMs - this.#tickedMs, this.#awakeTickMs);
    this.#tickedMs = nowMs;
    this.#awakeMs += passedMs;
    this.#waitedMs = waits ? this.#waitedMs + passedMs : 0;
  }

  /** A batch became durable. */
  progressed(): void {
    this.#usualMs += (this.#waitedMs - this.#usualMs) * lastPart;
    this.#waitedMs = 0;
  }

  /** What was handed to the disk does not become durable, for much longer than usual. */
  get stalled(): boolean {
    return this.#waitedMs > Math.max(this.#stallMs, this.#usualMs * unusual);
  }
}
