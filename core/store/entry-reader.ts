/** Reads entries back from segments: a single one by its exact bytes, or a run of them through one bounded window. */

import { emptyBytes } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import type { Op } from '../base/ids.ts';
import type { Disk, Hash } from '../base/ports.ts';
import type { Entry } from '../vr/entry.ts';
import { decodeEntry } from '../vr/entry.ts';
import type { EntryIndex } from './entry-index.ts';
import type { Segment, Segments } from './segments.ts';

const windowBytes = 256 * 1024;

export class EntryReader {
  readonly #disk: Disk;
  readonly #hash: Hash;
  readonly #segments: Segments;
  #segment = 0;
  #start = 0;
  #window = emptyBytes;
  /** Where the last read ended. A reader of the whole log goes on from here. */
  #next = 0;

  constructor(disk: Disk, hash: Hash, segments: Segments) {
    this.#disk = disk;
    this.#hash = hash;
    this.#segments = segments;
  }

  /** The entry at `op`, or null when the index does not hold it or the disk does not give it back unchanged. */
  read(index: EntryIndex, op: Op): Entry | null {
    if (!index.holds(op)) return null;
    const { segment, offset, length } = index.place(op);
    const file = this.#segments.get(segment);
    if (file === undefined) return null;
    const end = offset + length;
    const inWindow = segment === this.#segment && offset >= this.#start && end <= this.#start + this.#window.length;
    // Someone who reads a run comes back just after the last read. At most a batch's padding and head lie in between.
    const follows = segment === this.#segment && offset >= this.#next && offset - this.#next <= windowBytes;
    try {
      if (!inWindow && follows && length <= windowBytes) {
        this.#window = this.#ahead(file, offset);
        this.#start = offset;
      }
      if (inWindow || follows) {
        const entry = this.#decode(op, this.#window.slice(offset - this.#start, end - this.#start), length);
        if (entry !== null) {
          this.#next = end;
          return entry;
        }
      }
      // The window may be older than what was written after it. When it fails, only the exact read counts.
      const entry = this.#decode(op, this.#disk.read(file.name, offset, length), length);
      if (!inWindow) {
        this.#segment = segment;
        this.#window = emptyBytes;
        this.#start = 0;
      }
      this.#next = end;
      return entry;
    } catch {
      return null;
    }
  }

  /**
   * A window from `offset` on. A sector in it that cannot be read does not count against the entries before and after
   * it.
   */
  #ahead(file: Segment, offset: number): Uint8Array {
    try {
      return this.#disk.read(file.name, offset, Math.min(windowBytes, file.size - offset));
    } catch {
      return emptyBytes;
    }
  }

  #decode(op: Op, bytes: Uint8Array, length: number): Entry | null {
    if (bytes.length !== length) return null;
    try {
      const entry = decodeEntry(bytes, this.#hash);
      return entry.op === op ? entry : null;
    } catch (error) {
      if (error instanceof MalformedError) return null;
      throw error;
    }
  }
}
