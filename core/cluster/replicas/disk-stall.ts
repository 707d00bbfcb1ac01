/**
 * Whether the disk answers, for the operator. Replicas judge it for themselves (`core/vr/disk-pace.ts`), and a primary whose disk does not
 * answer leaves its view. Time in which this process stood still does not count.
 */

import type { NodeTimes } from '../base/times.ts';

/** What the store knows of its log's disk. */
export interface DiskWork {
  /** A batch is on its way to the disk, or waits for a file. */
  readonly waits: boolean;
  /** Batches that were handed to the disk so far. */
  readonly batches: number;
}

export class DiskStall {
  readonly #work: () => DiskWork;
  readonly #times: Pick<NodeTimes, 'diskStallMs' | 'awakeTickMs'>;
  #tickedMs = Number.NEGATIVE_INFINITY;
  #batches = 0;
  #waitedMs = 0;

  constructor(work: () => DiskWork, times: Pick<NodeTimes, 'diskStallMs' | 'awakeTickMs'>) {
    this.#work = work;
    this.#times = times;
  }

  /** For how long the disk has not answered. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  get low(): boolean {
    return this.#waitedMs >= this.#times.diskStallMs;
  }

  /** The text for the operator while {@link low}. */
  get problem(): string {
    return `the disk of the data directory has not answered for ${Math.floor(this.#waitedMs / 1000)} s: replicas here acknowledge nothing, and their primaries leave to other nodes; look at the disk and the kernel's log`;
  }

  /** @returns true when {@link low} changed. */
  tick(nowMs: number): boolean {
    const before = this.low;
    const { waits, batches } = this.#work();
    const passedMs = Math.min(nowMs - this.#tickedMs, this.#times.awakeTickMs);
    this.#waitedMs = waits && batches === this.#batches ? this.#waitedMs + passedMs : 0;
    this.#tickedMs = nowMs;
    this.#batches = batches;
    return this.low !== before;
  }
}
