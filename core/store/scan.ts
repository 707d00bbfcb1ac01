/**
 * Finds the batches in segments on the disk. It reads in large pieces, and skips sectors that cannot be read and heads
 * that are destroyed. It judges each batch by its CRCs and concludes nothing from them; `recovery.ts` does that.
 */

import { emptyBytes } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import type { Disk } from '../base/ports.ts';
import type { BatchHead } from './format.ts';
import { batchBytes, decodeHead, headBytes, sectorBytes } from './format.ts';

export interface SegmentFile {
  readonly number: number;
  readonly name: string;
  /** The size with which it was made, according to its name. */
  readonly size: number;
  /** The size that the file has now. */
  readonly actual: number;
}

/** A batch whose head is whole. `echo` and `body` are null when they cannot be read or do not match their CRC. */
export interface FoundBatch {
  readonly head: BatchHead;
  readonly echo: Uint8Array | null;
  readonly body: Uint8Array | null;
  /** The body as it is, when it does not match its CRC. Single entries in it may still be whole. */
  readonly wreck: Uint8Array | null;
  /** Where the body begins in the segment. */
  readonly bodyOffset: number;
  /** Where the next batch may begin. */
  readonly end: number;
}

const windowBytes = 4 * 1024 * 1024;

/** Reads a file in windows. Sectors that cannot be read come back as zeros. */
class Window {
  readonly #disk: Disk;
  readonly #name: string;
  readonly #size: number;
  #start = 0;
  #bytes = emptyBytes;
  unreadable = 0;

  constructor(disk: Disk, name: string, size: number) {
    this.#disk = disk;
    this.#name = name;
    this.#size = size;
  }

  /** Exactly `length` bytes at `offset`, or fewer at the end of the file. */
  at(offset: number, length: number): Uint8Array {
    if (offset < this.#start || offset + length > this.#start + this.#bytes.length) {
      this.#start = offset;
      this.#bytes = this.#read(offset, Math.min(Math.max(length, windowBytes), this.#size - offset));
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length);
  }

  #read(offset: number, length: number): Uint8Array {
    try {
      return this.#disk.read(this.#name, offset, length);
    } catch {
      const whole = new Uint8Array(length);
      for (let at = 0; at < length; at += sectorBytes) {
        try {
          whole.set(this.#disk.read(this.#name, offset + at, Math.min(sectorBytes, length - at)), at);
        } catch {
          this.unreadable++;
        }
      }
      return whole;
    }
  }
}

export interface SegmentScan {
  /** Sectors that the disk could not read. */
  readonly unreadable: number;
}

/** Calls `each`, in order, for every batch of `segment` whose sequence number is above all before it. */
export function scanSegment(
  disk: Disk,
  segment: SegmentFile,
  seal: Uint8Array,
  after: number,
  each: (batch: FoundBatch) => void,
): SegmentScan {
  const window = new Window(disk, segment.name, segment.actual);
  let last = after;
  let offset = 0;
  while (offset + headBytes <= segment.actual) {
    const headAt = window.at(offset, headBytes);
    const head = decodeHead(headAt, 0, seal, segment.number, offset);
    // Lower numbers are left over from a tail that was cut off. What was written over it has higher numbers.
    if (head === null || head.sequence <= last) {
      offset += sectorBytes;
      continue;
    }
    last = head.sequence;
    const end = offset + batchBytes(head);
    const bytes = window.at(offset, Math.min(end, segment.actual) - offset);
    const bodyAt = headBytes + head.echoBytes;
    const echo = checked(bytes, headBytes, head.echoBytes, head.echoCrc);
    const body = checked(bytes, bodyAt, head.bodyBytes, head.bodyCrc);
    const wreck = body === null ? bytes.subarray(bodyAt, bodyAt + head.bodyBytes) : null;
    each({ head, echo, body, wreck, bodyOffset: offset + bodyAt, end });
    offset = end;
  }
  return { unreadable: window.unreadable };
}

function checked(bytes: Uint8Array, at: number, length: number, crc: number): Uint8Array | null {
  if (at + length > bytes.length || crc32(bytes, 0, at, at + length) !== crc) return null;
  return bytes.subarray(at, at + length);
}
