/**
 * The changes of the last while, so that a watch can begin again where it ended (design §5). Bounded by replicated time and bytes. It
 * is no part of the state: each replica has its own, and makes it again from the log that it re-applies at start.
 *
 * Every write passes here, and hardly any is ever asked for again. So only the newest records are kept as they are, for those who
 * follow closely; of older ones pages of bytes are kept, and the values themselves, which mostly are the tree's own. That leaves the
 * garbage collector little to look at, however many there are.
 */

import { invariant } from '../base/assert.ts';
import { Reader, Writer } from '../base/bytes.ts';
import type { PackedParts, TreeChange } from '../tree/change.ts';
import { ChangeUnpacker, changeBytes, packChange } from '../tree/change.ts';

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

/** Packed records, oldest first. */
interface Page {
  readonly last: number;
  readonly lastTimestamp: number;
  readonly bytes: Uint8Array;
  readonly parts: PackedParts;
  /** What it counts for, with its parts. */
  readonly size: number;
}

/** Records that are not packed yet: a follower that reads within some turns never meets a packed one. */
const recentRecords = 1024;
/** History is let go a page at a time: so many records or bytes, whichever comes first. */
const pageRecords = 256;
const maxPageBytes = 64 * 1024;
/** What a record costs an engine besides its changes. */
const recordBytes = 96;

export class History {
  readonly #limits: HistoryLimits;
  #pages: Page[] = [];
  #pagesBytes = 0;
  /** The newest records, those before `#start` packed already. */
  #recent: (HistoryRecord | undefined)[] = [];
  /** What each of them counts for. */
  #sizes: number[] = [];
  #start = 0;
  #recentBytes = 0;
  readonly #maxRecentBytes: number;
  /** The page that is being filled. */
  readonly #writer = new Writer(4096);
  readonly #pageBytes: number;
  #packed = 0;
  #parts: PackedParts = { values: [], removed: [] };
  #partsBytes = 0;
  #lastPacked = 0;
  #lastTimestamp = 0;
  #floor: number;

  /** @param floor the op behind which everything will be here. */
  constructor(limits: HistoryLimits, floor: number) {
    this.#limits = limits;
    this.#pageBytes = Math.min(maxPageBytes, Math.max(1, Math.floor(limits.maxBytes / 16)));
    this.#maxRecentBytes = Math.floor(limits.maxBytes / 4);
    this.#floor = floor;
  }

  /** Every change behind this op is here; of those up to it, none has to be. */
  get floor(): number {
    return this.#floor;
  }

  get bytes(): number {
    return this.#recentBytes + this.#pagesBytes + this.#writer.length + this.#partsBytes;
  }

  push(record: HistoryRecord): void {
    const size = sizeOf(record);
    this.#recent.push(record);
    this.#sizes.push(size);
    this.#recentBytes += size;
    while (this.#recent.length - this.#start > recentRecords || this.#recentBytes > this.#maxRecentBytes) {
      const oldest = this.#recent[this.#start]!;
      this.#recentBytes -= this.#sizes[this.#start]!;
      this.#recent[this.#start++] = undefined;
      this.#pack(oldest, record.timestamp);
    }
    if (this.#start >= recentRecords) {
      this.#recent = this.#recent.slice(this.#start);
      this.#sizes = this.#sizes.slice(this.#start);
      this.#start = 0;
    }
  }

  #pack(record: HistoryRecord, now: number): void {
    const writer = this.#writer;
    writer.uint(record.op);
    writer.uint(record.timestamp);
    writer.uint(record.changes.length);
    for (const change of record.changes) {
      packChange(writer, change, this.#parts);
      this.#partsBytes += (change.value?.length ?? 0) + (change.removed?.bytes ?? 0);
    }
    this.#lastPacked = record.op;
    this.#lastTimestamp = record.timestamp;
    this.#packed++;
    if (this.#packed >= pageRecords || writer.length + this.#partsBytes >= this.#pageBytes) this.#turnPage(now);
  }

  #turnPage(now: number): void {
    const bytes = this.#writer.finish();
    const size = bytes.length + this.#partsBytes;
    this.#pages.push({
      last: this.#lastPacked,
      lastTimestamp: this.#lastTimestamp,
      bytes,
      parts: this.#parts,
      size,
    });
    this.#pagesBytes += size;
    this.#writer.reset();
    this.#parts = { values: [], removed: [] };
    this.#partsBytes = 0;
    this.#packed = 0;
    const { maxBytes, maxMs } = this.#limits;
    let gone = 0;
    for (const page of this.#pages) {
      if (this.#pagesBytes + this.#recentBytes <= maxBytes && now - page.lastTimestamp <= maxMs) break;
      gone++;
      this.#pagesBytes -= page.size;
      this.#floor = page.last;
    }
    if (gone > 0) this.#pages.splice(0, gone);
  }

  /** The changes behind `op`, oldest first, to be read within this turn. `op` is at or above {@link floor}. */
  *after(op: number): Generator<HistoryRecord, void> {
    invariant(op >= this.#floor, 'what history no longer holds is not asked of it', { op, floor: this.#floor });
    const recent = this.#recent[this.#start];
    if (recent === undefined || op < recent.op) {
      for (const page of this.#pages) if (page.last > op) yield* unpack(page.bytes, page.parts, op);
      if (this.#writer.length > 0 && this.#lastPacked > op) yield* unpack(this.#writer.finish(), this.#parts, op);
    }
    for (let i = this.#firstRecentAfter(op); i < this.#recent.length; i++) yield this.#recent[i]!;
  }

  #firstRecentAfter(op: number): number {
    let low = this.#start;
    let high = this.#recent.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#recent[middle]!.op <= op) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function sizeOf(record: HistoryRecord): number {
  let bytes = recordBytes;
  for (const change of record.changes) bytes += changeBytes(change);
  return bytes;
}

function* unpack(bytes: Uint8Array, parts: PackedParts, after: number): Generator<HistoryRecord, void> {
  const reader = new Reader(bytes);
  const unpacker = new ChangeUnpacker(reader, parts);
  while (reader.remaining > 0) {
    const op = reader.uint();
    const timestamp = reader.uint();
    const changes: TreeChange[] = [];
    for (let left = reader.uint(); left > 0; left--) changes.push(unpacker.next());
    if (op > after) yield { op, timestamp, changes };
  }
}
