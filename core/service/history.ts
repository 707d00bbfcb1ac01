/**
 * The recent changes, so that a watch can resume where it ended (architecture §5). It is bounded by replicated time and
 * by bytes. It is not part of the state: each replica has its own, and rebuilds it at start from the log that it
 * applies again.
 *
 * Every write goes through here, and few are ever asked for again. So records are packed into pages of bytes at once.
 * The values themselves lie beside the pages, and are mostly the tree's own. So the garbage collector has few objects
 * to look at, however many records there are.
 */

import { invariant } from '../base/assert.ts';
import { Reader, Writer } from '../base/bytes.ts';
import type { Op } from '../base/ids.ts';
import type { PackedParts, TreeChange } from '../tree/change.ts';
import { ChangeUnpacker, packChange } from '../tree/change.ts';

/** What one entry changed. */
export interface HistoryRecord {
  readonly op: Op;
  readonly timestamp: number;
  readonly changes: readonly TreeChange[];
}

export interface HistoryLimits {
  readonly maxMs: number;
  readonly maxBytes: number;
}

/** Packed records, oldest first. */
interface Page {
  /** The op and the timestamp from which this page counts. */
  readonly op: Op;
  readonly timestamp: number;
  readonly last: number;
  readonly lastTimestamp: number;
  readonly bytes: Uint8Array;
  readonly parts: PackedParts;
  /** What the page counts for, together with its parts. */
  readonly size: number;
}

/** History is dropped a page at a time. A page ends at this many records or bytes, whichever comes first. */
const pageRecords = 256;
const maxPageBytes = 64 * 1024;
/** What a value or a removed directory costs an engine in addition to its bytes. */
const partBytes = 24;

export class History {
  readonly #limits: HistoryLimits;
  readonly #pageBytes: number;
  #pages: Page[] = [];
  #pagesBytes = 0;
  /** The page that is being filled: where each of its records begins, and the ops of the records. */
  readonly #writer = new Writer(4096);
  #starts: number[] = [];
  #ops: Op[] = [];
  #parts: PackedParts = { values: [], removed: [] };
  #partsBytes = 0;
  #firstTimestamp = 0;
  #floor: Op;

  /** @param floor every change after this op will be here. */
  constructor(limits: HistoryLimits, floor: Op) {
    this.#limits = limits;
    this.#pageBytes = Math.min(maxPageBytes, Math.max(1, Math.floor(limits.maxBytes / 16)));
    this.#floor = floor;
  }

  /** Every change after this op is here. Changes up to this op may be missing. */
  get floor(): Op {
    return this.#floor;
  }

  get bytes(): number {
    return this.#pagesBytes + this.#writer.length + this.#partsBytes;
  }

  /** Adds what the entry at `op` changed. `timestamp` is not before that of the entry before. */
  push(op: Op, timestamp: number, changes: readonly TreeChange[]): void {
    const writer = this.#writer;
    const parts = this.#parts;
    if (this.#ops.length === 0) this.#firstTimestamp = timestamp;
    this.#starts.push(writer.length);
    this.#ops.push(op);
    writer.uint(op - this.#ops[0]!);
    writer.uint(timestamp - this.#firstTimestamp);
    writer.uint(parts.values.length);
    writer.uint(parts.removed.length);
    writer.uint(changes.length);
    for (const change of changes) {
      packChange(writer, change, parts);
      if (change.value !== null) this.#partsBytes += change.value.length + partBytes;
      if (change.removed !== null) this.#partsBytes += change.removed.bytes + partBytes;
    }
    if (this.#ops.length >= pageRecords || writer.length + this.#partsBytes >= this.#pageBytes) {
      this.#turnPage(op, timestamp);
    }
  }

  #turnPage(last: number, now: number): void {
    const bytes = this.#writer.finish();
    const size = bytes.length + this.#partsBytes;
    const [op] = this.#ops;
    this.#pages.push({
      op: op!,
      timestamp: this.#firstTimestamp,
      last,
      lastTimestamp: now,
      bytes,
      parts: this.#parts,
      size,
    });
    this.#pagesBytes += size;
    this.#writer.reset();
    this.#starts = [];
    this.#ops = [];
    this.#parts = { values: [], removed: [] };
    this.#partsBytes = 0;
    const { maxBytes, maxMs } = this.#limits;
    let gone = 0;
    for (const page of this.#pages) {
      if (this.#pagesBytes <= maxBytes && now - page.lastTimestamp <= maxMs) break;
      gone++;
      this.#pagesBytes -= page.size;
      this.#floor = page.last;
    }
    if (gone > 0) this.#pages.splice(0, gone);
  }

  /** The changes after `op`, oldest first. They must be read within this turn. `op` is at or above {@link floor}. */
  *after(op: Op): Generator<HistoryRecord, void> {
    invariant(op >= this.#floor, 'history is only asked for changes that it still holds', { op, floor: this.#floor });
    let page = this.#pages.length;
    while (page > 0 && this.#pages[page - 1]!.last > op) page--;
    for (; page < this.#pages.length; page++) {
      const { op: first, timestamp, bytes, parts } = this.#pages[page]!;
      yield* unpack(new Reader(bytes), first, timestamp, parts, op);
    }
    const start = this.#starts[this.#firstAfter(op)];
    if (start === undefined) return;
    yield* unpack(new Reader(this.#writer.view(), start), this.#ops[0]!, this.#firstTimestamp, this.#parts, op);
  }

  /** The first record after `op` in the page that is being filled. */
  #firstAfter(op: Op): number {
    let low = 0;
    let high = this.#ops.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ops[middle]! <= op) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The records after `after`. The reader is at the beginning of a record. */
function* unpack(
  reader: Reader,
  firstOp: Op,
  firstTimestamp: number,
  parts: PackedParts,
  after: Op,
): Generator<HistoryRecord, void> {
  while (reader.remaining > 0) {
    const op = firstOp + reader.uint();
    const timestamp = firstTimestamp + reader.uint();
    const unpacker = new ChangeUnpacker(reader, parts, reader.uint(), reader.uint());
    const changes: TreeChange[] = [];
    for (let left = reader.uint(); left > 0; left--) changes.push(unpacker.next());
    if (op > after) yield { op, timestamp, changes };
  }
}
