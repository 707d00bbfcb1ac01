/**
 * The segments of the log: which exist, how much of each is still needed, and making the next one before it is needed.
 * A segment that nothing needs any more becomes a later one under another name. Its bytes are written already, so
 * nothing has to be filled and synced for it while batches are written. The heads of its old batches name another
 * segment, so they are never taken for batches of the new one.
 */

import { invariant } from '../base/assert.ts';
import { DiskFull } from '../base/disk-full.ts';
import type { Disk, DiskError } from '../base/ports.ts';
import { segmentName } from './format.ts';

export interface Segment {
  readonly number: number;
  readonly name: string;
  readonly size: number;
  /**
   * Made by this run. A segment that was found may be shorter than its name says, or have sectors that cannot be read.
   */
  readonly sound: boolean;
  liveEntries: number;
  liveBytes: number;
}

export interface SegmentsHost {
  failed(error: DiskError): void;
  /** Called when no segment is being made or removed any more. */
  rested(): void;
  /** The disk refused what is not needed now, and it was not for lack of room. It is tried again. */
  refused(what: string, error: DiskError): void;
}

/** When the disk refused something, we ask it again after this time. */
const retryMs = 500;
/**
 * A checkpoint frees several segments at once. One of them is kept for reuse, and more up to this many bytes together.
 */
const maxSpareBytes = 64 * 1024 * 1024;

export class Segments {
  readonly #disk: Disk;
  readonly #segmentBytes: number;
  readonly #host: SegmentsHost;
  readonly #table = new Map<number, Segment>();
  #highest = 0;
  /** Numbers of files that exist but are not of this log. */
  readonly #taken = new Set<number>();
  #current: Segment | null = null;
  /** Segments that were made ahead, lowest number first. The log goes on in them in this order. */
  readonly #spares: Segment[] = [];
  #creating = false;
  #removing = false;
  /** Why the disk did not make the next segment. Null while it does. We ask it again at `#retryAt`. */
  #refusal: DiskError | null = null;
  #retryAt = 0;
  /** A segment below this one could not be removed or renamed. We try it again at `#removeAt`. */
  #unremoved: number | null = null;
  #removeAt = 0;
  /** Called once a segment is made, because the log waits for it. */
  #waiting: (() => void) | null = null;
  /** The size of the batch that waits, in bytes. */
  #needed = 0;

  constructor(disk: Disk, segmentBytes: number, host: SegmentsHost) {
    this.#disk = disk;
    this.#segmentBytes = segmentBytes;
    this.#host = host;
  }

  /** True while a segment is being made, renamed or removed. */
  get busy(): boolean {
    return this.#creating || this.#removing;
  }

  get current(): Segment | null {
    return this.#current;
  }

  get count(): number {
    return this.#table.size;
  }

  get(number: number): Segment | undefined {
    return this.#table.get(number);
  }

  /** Recovery: this segment exists. */
  add(number: number, name: string, size: number): void {
    const { liveEntries, liveBytes } = this.#table.get(number) ?? { liveEntries: 0, liveBytes: 0 };
    this.#table.set(number, { number, name, size, sound: false, liveEntries, liveBytes });
  }

  /** Recovery: this file is not of this log. Its number is never given to a segment. */
  leaveOut(number: number, name: string): void {
    this.#taken.add(number);
    if (this.#table.get(number)?.name === name) this.#table.delete(number);
  }

  /** Recovery: the next number is above all that exist, and above `begun`, whether or not the files up to it exist. */
  numberAbove(begun: number): void {
    this.#highest = begun;
    for (const number of this.#table.keys()) this.#highest = Math.max(this.#highest, number);
  }

  #nextNumber(): number {
    do this.#highest++;
    while (this.#taken.has(this.#highest));
    return this.#highest;
  }

  /** Recovery: the log goes on in this segment. Those above it were made ahead and hold nothing of the log. */
  resume(number: number): void {
    this.#current = this.#table.get(number) ?? null;
    for (const segment of this.#table.values()) if (segment.number > number) this.#spares.push(segment);
    this.#spares.sort((a, b) => a.number - b.number);
  }

  /** Counts the entries of each segment, for the index of entries. */
  readonly pin = (number: number, entries: number, bytes: number): void => {
    const segment = this.#table.get(number);
    if (segment === undefined) {
      invariant(entries < 0, 'an entry is in a segment that exists', { segment: number });
      return;
    }
    segment.liveEntries += entries;
    segment.liveBytes += bytes;
  };

  /** The lowest segment that holds an entry that is needed; if there is none, the one that is written to. */
  oldestNeeded(): number {
    let oldest = this.#current?.number ?? this.#highest;
    for (const segment of this.#table.values()) {
      if (segment.number < oldest && segment.liveEntries > 0) oldest = segment.number;
    }
    return oldest;
  }

  /** Segments below the current one, oldest first. */
  sealed(): Segment[] {
    const current = this.#current?.number ?? 0;
    return [...this.#table.values()].filter((s) => s.number < current).sort((a, b) => a.number - b.number);
  }

  /** Bytes of all segments on the disk. */
  totalBytes(): number {
    let total = 0;
    for (const segment of this.#table.values()) total += segment.size;
    return total;
  }

  /** Makes the next segment if there is none yet. */
  prepare(): void {
    if (this.#spares.length === 0 && !this.#creating && this.#refusal === null) this.#create(this.#segmentBytes);
  }

  /** Why there is no segment that the log will need, or already waits for; null when there is one or will be. */
  get refusal(): DiskError | null {
    return this.#refusal;
  }

  /** The disk may do now what it refused. */
  tick(now: number): void {
    if (this.#unremoved !== null) this.#removeAgain(this.#unremoved, now);
    if (this.#refusal === null) return;
    if (this.#retryAt === 0) this.#retryAt = now + retryMs;
    if (now < this.#retryAt || this.#creating) return;
    this.#retryAt = 0;
    const waits = this.#waiting !== null;
    if (!waits && this.#spares.length > 0) {
      this.#refusal = null;
      return;
    }
    if (waits) this.#spares.length = 0;
    this.#create(Math.max(this.#segmentBytes, this.#needed));
  }

  /**
   * Moves on to a segment with room for `needed` bytes and returns it. Otherwise returns null, and calls `ready` when
   * there is one. A batch that is larger than a whole segment gets a segment of its own size.
   */
  advance(needed: number, ready: () => void): Segment | null {
    const spare = this.#spares[0];
    if (spare !== undefined && spare.size >= needed) {
      this.#spares.shift();
      this.#current = spare;
      return spare;
    }
    this.#waiting = ready;
    this.#needed = needed;
    // What a full disk refused is asked for at the next tick. Any other refusal counts only now, so we ask at once.
    if (!this.#creating && !(this.#refusal instanceof DiskFull)) {
      // Spares that are too small stay below the new segment, unused, and go when the oldest segments do.
      this.#spares.length = 0;
      this.#create(Math.max(this.#segmentBytes, needed));
    }
    return null;
  }

  #create(size: number): void {
    const number = this.#nextNumber();
    const name = segmentName(number, size);
    this.#creating = true;
    this.#disk.create(name, size, (error) => {
      // A segment that was made ahead is not needed yet, so nothing is lost when the disk refuses it, whatever the
      // reason. The number is the next one: a gap would say that a segment is missing.
      if (error !== null && (error instanceof DiskFull || this.#waiting === null)) {
        this.#creating = false;
        this.#highest = number - 1;
        const news = !(error instanceof DiskFull) && this.#refusal?.message !== error.message;
        if (news) this.#host.refused('the next segment of the log', error);
        this.#refusal = error;
        if (!this.busy) this.#host.rested();
        return;
      }
      if (error !== null) return this.#host.failed(error);
      this.#made(number, name, size);
      if (!this.busy) this.#host.rested();
    });
  }

  #wantsSpare(): boolean {
    return this.#spares.length === 0 || (this.#spares.length + 1) * this.#segmentBytes <= maxSpareBytes;
  }

  /**
   * A segment was made, or an unneeded one got its number. This happens one at a time, so that they come in the order
   * of their numbers.
   */
  #made(number: number, name: string, size: number): void {
    this.#creating = false;
    this.#refusal = null;
    this.#needed = 0;
    const before = this.#spares.at(-1) ?? this.#current;
    invariant(before === null || number > before.number, 'the log goes on in segments of rising numbers', { number });
    const segment: Segment = { number, name, size, sound: true, liveEntries: 0, liveBytes: 0 };
    this.#table.set(number, segment);
    this.#spares.push(segment);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }

  /**
   * Removes the segments below `oldest`, one at a time from the lowest, so that no gap is left. Some become spares
   * instead. It is only called once a batch that says `oldest` is durable, so that a missing segment is never taken for
   * a lost one.
   */
  removeBelow(oldest: number): void {
    if (this.#unremoved !== null) this.#unremoved = Math.max(this.#unremoved, oldest);
    if (this.#removing || this.#unremoved !== null) return;
    let lowest: Segment | null = null;
    for (const segment of this.#table.values()) {
      if (segment.number >= oldest || segment === this.#current || this.#spares.includes(segment)) continue;
      if (lowest === null || segment.number < lowest.number) lowest = segment;
    }
    if (lowest === null) return;
    const { name, number, size, sound } = lowest;
    this.#removing = true;
    const removed = (error: DiskError | null): void => {
      if (error !== null) return this.#notRemoved(name, oldest, error);
      this.#removing = false;
      this.#removeAt = 0;
      this.#table.delete(number);
      this.removeBelow(oldest);
      if (!this.busy) this.#host.rested();
    };
    if (!sound || this.#creating || size !== this.#segmentBytes || !this.#wantsSpare()) {
      this.#disk.remove(name, removed);
      return;
    }
    const next = this.#nextNumber();
    const nextName = segmentName(next, size);
    this.#creating = true;
    this.#disk.rename(name, nextName, (error) => {
      if (error !== null) {
        this.#creating = false;
        this.#highest = next - 1;
        this.#notRemoved(name, oldest, error);
        // The log was to go on in this one. It gets a new one.
        if (this.#waiting !== null && this.#unremoved !== null)
          this.#create(Math.max(this.#segmentBytes, this.#needed));
        return;
      }
      // The old name is gone before anything hears of the new one.
      this.#table.delete(number);
      this.#made(next, nextName, size);
      removed(null);
    });
  }

  /**
   * The disk did not remove or rename a segment that nothing needs. While the file is there, nothing was done, and the
   * log goes on beside it. If it is gone, the disk may not know it durably, and nothing may build on that.
   */
  #notRemoved(name: string, oldest: number, error: DiskError): void {
    this.#removing = false;
    let there = false;
    try {
      there = this.#disk.list().some((file) => file.name === name);
    } catch {
      // Then nothing is known of it.
    }
    if (!there) return this.#host.failed(error);
    if (this.#removeAt === 0) this.#host.refused(`the removal of ${name}`, error);
    this.#unremoved = oldest;
    this.#removeAt = 0;
    if (!this.busy) this.#host.rested();
  }

  #removeAgain(oldest: number, now: number): void {
    if (this.#removeAt === 0) this.#removeAt = now + retryMs;
    if (now < this.#removeAt || this.busy) return;
    this.#unremoved = null;
    this.removeBelow(oldest);
  }
}
