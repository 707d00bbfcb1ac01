/**
 * The changes of the last while, so that a watch can begin again where it ended (architecture §5). Bounded by replicated time and bytes. It
 * is no part of the state: each replica has its own, and makes it again from the log that it re-applies at start.
 *
 * Every write passes here, and hardly any is ever asked for again. So records are packed at once into pages of bytes, beside the
 * values themselves, which mostly are the tree's own: that leaves the garbage collector little to look at, however many there are.
 */

import { invariant } from '../base/assert.ts';
import { Reader, Writer } from '../base/bytes.ts';
import type { PackedParts, TreeChange } from '../tree/change.ts';
import { ChangeUnpacker, packChange } from '../tree/change.ts';

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
  /** What ops and timestamps in it are counted from. */
  readonly op: number;
  readonly timestamp: number;
  readonly last: number;
  readonly lastTimestamp: number;
  readonly bytes: Uint8Array;
  readonly parts: PackedParts;
  /** What it counts for, with its parts. */
  readonly size: number;
}

/** History is let go a page at a time: so many records or bytes, whichever comes first. */
const pageRecords = 256;
const maxPageBytes = 64 * 1024;
/** What a value or a removed directory costs an engine besides its bytes. */
const partBytes = 24;

export class History {
  readonly #limits: HistoryLimits;
  readonly #pageBytes: number;
  #pages: Page[] = [];
  #pagesBytes = 0;
  /** The page that is being filled: where each of its records begins, and their ops. */
  readonly #writer = new Writer(4096);
  #starts: number[] = [];
  #ops: number[] = [];
  #parts: PackedParts = { values: [], removed: [] };
  #partsBytes = 0;
  #firstTimestamp = 0;
  #floor: number;

  /** @param floor the op behind which everything will be here. */
  constructor(limits: HistoryLimits, floor: number) {
    this.#limits = limits;
    this.#pageBytes = Math.min(maxPageBytes, Math.max(1, Math.floor(limits.maxBytes / 16)));
    this.#floor = floor;
  }

  /** Every change behind this op is here; of those up to it, none has to be. */
  get floor(): number {
    return this.#floor;
  }

  get bytes(): number {
    return this.#pagesBytes + this.#writer.length + this.#partsBytes;
  }

  /** Takes what the entry at `op` changed, of a time that is not before that of the last. */
  push(op: number, timestamp: number, changes: readonly TreeChange[]): void {
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

  /** The changes behind `op`, oldest first, to be read within this turn. `op` is at or above {@link floor}. */
  *after(op: number): Generator<HistoryRecord, void> {
    invariant(op >= this.#floor, 'what history no longer holds is not asked of it', { op, floor: this.#floor });
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

  /** The first record behind `op` of the page that is being filled. */
  #firstAfter(op: number): number {
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

/** The records behind `after`; the reader is where one of them begins. */
function* unpack(
  reader: Reader,
  firstOp: number,
  firstTimestamp: number,
  parts: PackedParts,
  after: number,
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
