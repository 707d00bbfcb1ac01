/**
 * The changes of the last while, so that a watch can begin again where it ended (design §5). Bounded by replicated time and bytes. It
 * is no part of the state: each replica has its own, and makes it again from the log that it re-applies at start.
 */

import { invariant } from '../base/assert.ts';
import type { TreeChange } from '../tree/change.ts';
import { changeBytes } from '../tree/change.ts';

/** What one entry changed. */
export interface HistoryRecord {
  readonly op: number;
  readonly timestamp: number;
  readonly changes: readonly TreeChange[];
}

export interface HistoryLimits {
  readonly maxMs: number;
  readonly maxBytes: number;
}

interface Chunk {
  readonly records: HistoryRecord[];
  bytes: number;
}

/** History is let go in pieces of so many entries or bytes, whichever comes first. */
const chunkRecords = 256;
/** What a record costs an engine besides its changes. */
const recordBytes = 96;

export class History {
  readonly #limits: HistoryLimits;
  readonly #chunkBytes: number;
  #chunks: Chunk[] = [];
  #bytes = 0;
  #floor: number;

  /** @param floor the op behind which everything will be here. */
  constructor(limits: HistoryLimits, floor: number) {
    this.#limits = limits;
    this.#chunkBytes = Math.max(1, Math.floor(limits.maxBytes / 16));
    this.#floor = floor;
  }

  /** Every change behind this op is here; of those up to it, none has to be. */
  get floor(): number {
    return this.#floor;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(record: HistoryRecord): void {
    let last = this.#chunks[this.#chunks.length - 1];
    if (last === undefined || last.records.length >= chunkRecords || last.bytes >= this.#chunkBytes) {
      last = { records: [], bytes: 0 };
      this.#chunks.push(last);
      this.#trim(record.timestamp);
    }
    let bytes = recordBytes;
    for (const change of record.changes) bytes += changeBytes(change);
    last.records.push(record);
    last.bytes += bytes;
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.maxBytes) this.#trim(record.timestamp);
  }

  #trim(now: number): void {
    const { maxMs, maxBytes } = this.#limits;
    while (this.#chunks.length > 1) {
      const oldest = this.#chunks[0]!;
      const last = oldest.records[oldest.records.length - 1];
      invariant(last !== undefined, 'only the newest piece of history can be empty');
      if (this.#bytes <= maxBytes && now - last.timestamp <= maxMs) return;
      this.#chunks.shift();
      this.#bytes -= oldest.bytes;
      this.#floor = last.op;
    }
  }

  /** The changes behind `op`, oldest first, to be read within this turn. `op` is at or above {@link floor}. */
  *after(op: number): Generator<HistoryRecord, void> {
    invariant(op >= this.#floor, 'what history no longer holds is not asked of it', { op, floor: this.#floor });
    let at = op;
    let index = this.#chunkOf(op);
    while (index < this.#chunks.length) {
      const { records } = this.#chunks[index]!;
      for (let i = firstAfter(records, at); i < records.length; i++) {
        at = records[i]!.op;
        yield records[i]!;
      }
      index++;
    }
  }

  #chunkOf(op: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { records } = this.#chunks[middle]!;
      if (records.length > 0 && records[records.length - 1]!.op <= op) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function firstAfter(records: readonly HistoryRecord[], op: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records[middle]!.op <= op) low = middle + 1;
    else high = middle;
  }
  return low;
}
