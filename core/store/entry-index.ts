/**
 * Where each entry of one replica is. It holds three numbers for each op in typed arrays, twelve bytes in all, so a log
 * of millions of entries needs no memory for their bodies. Ops whose place is not known have segment 0.
 */

import { invariant } from '../base/assert.ts';
import type { Op } from '../base/ids.ts';

export interface Place {
  /** 0: the place is not known, or cannot be read. */
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

/** Called for every entry that begins or ceases to need its segment. */
export type Pin = (segment: number, entries: number, bytes: number) => void;

const initialCapacity = 16;

export class EntryIndex {
  /** The lowest op held; `head` + 1 when none is held. */
  #first: Op;
  #count = 0;
  /** Where the first op is in the arrays. Dropping ops at the front moves it; growing packs the arrays again. */
  #start = 0;
  #segments = new Uint32Array(initialCapacity);
  #offsets = new Uint32Array(initialCapacity);
  #lengths = new Uint32Array(initialCapacity);
  readonly #pin: Pin;

  constructor(first: Op, pin: Pin) {
    this.#first = first;
    this.#pin = pin;
  }

  get first(): Op {
    return this.#first;
  }

  get head(): Op {
    return this.#first + this.#count - 1;
  }

  get count(): number {
    return this.#count;
  }

  holds(op: Op): boolean {
    return op >= this.#first && op < this.#first + this.#count;
  }

  /** The segment of an op that is held, 0 when its place is not known. */
  segmentOf(op: Op): number {
    return this.#segments[this.#start + op - this.#first]!;
  }

  place(op: Op): Place {
    const i = this.#start + op - this.#first;
    return { segment: this.#segments[i]!, offset: this.#offsets[i]!, length: this.#lengths[i]! };
  }

  /** Adds the op after the head, or gives a held op another place. */
  set(op: Op, segment: number, offset: number, length: number): void {
    if (op === this.#first + this.#count) this.#append();
    invariant(this.holds(op), 'an entry comes right after the head of its log, or is already in the log', {
      op,
      first: this.#first,
      head: this.head,
    });
    const i = this.#start + op - this.#first;
    const before = this.#segments[i]!;
    if (before !== 0) this.#pin(before, -1, -this.#lengths[i]!);
    this.#segments[i] = segment;
    this.#offsets[i] = offset;
    this.#lengths[i] = length;
    if (segment !== 0) this.#pin(segment, 1, length);
  }

  /** Drops ops at and above `op`. */
  truncateFrom(op: Op): void {
    const keep = Math.max(0, op - this.#first);
    if (keep >= this.#count) return;
    this.#unpin(keep, this.#count);
    this.#count = keep;
  }

  /** Drops ops at and below `op`. */
  dropTo(op: Op): void {
    const gone = Math.min(this.#count, op - this.#first + 1);
    if (gone <= 0) return;
    this.#unpin(0, gone);
    this.#start += gone;
    this.#count -= gone;
    this.#first += gone;
  }

  /** Empties the index; the next op is `first`. */
  reset(first: Op): void {
    this.#unpin(0, this.#count);
    this.#start = 0;
    this.#count = 0;
    this.#first = first;
  }

  /** Makes the held range exactly `first` to `head`. Ops that were not held before have no known place. */
  fit(first: Op, head: Op): void {
    if (first > this.#first + this.#count || first < this.#first) {
      // Ops below the range that was known have no place. Ops within it keep theirs.
      if (first < this.#first && this.#count > 0) {
        const known: { op: Op; place: Place }[] = [];
        for (let op = this.#first; op <= Math.min(this.head, head); op++) known.push({ op, place: this.place(op) });
        this.reset(first);
        for (let op = first; op <= head; op++) this.set(op, 0, 0, 0);
        for (const { op, place } of known) this.set(op, place.segment, place.offset, place.length);
        return;
      }
      this.reset(first);
    } else this.dropTo(first - 1);
    this.truncateFrom(head + 1);
    while (this.head < head) this.set(this.head + 1, 0, 0, 0);
  }

  #unpin(from: Op, to: Op): void {
    for (let i = this.#start + from; i < this.#start + to; i++) {
      if (this.#segments[i] !== 0) this.#pin(this.#segments[i]!, -1, -this.#lengths[i]!);
    }
  }

  #append(): void {
    const end = this.#start + this.#count;
    if (end === this.#segments.length) {
      // Packing is enough while half of the arrays is free at the front. Otherwise they double.
      const capacity = this.#start >= end / 2 ? this.#segments.length : this.#segments.length * 2;
      this.#segments = packed(this.#segments, this.#start, end, capacity);
      this.#offsets = packed(this.#offsets, this.#start, end, capacity);
      this.#lengths = packed(this.#lengths, this.#start, end, capacity);
      this.#start = 0;
    }
    this.#segments[this.#start + this.#count] = 0;
    this.#count++;
  }
}

function packed(from: Uint32Array, start: number, end: number, capacity: number): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(capacity);
  to.set(from.subarray(start, end));
  return to;
}
