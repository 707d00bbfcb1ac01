/**
 * The files of a node's log, which this reads and damages according to their format: while the node is down, or to see
 * how far the log has got.
 */

import { closeSync, existsSync, openSync, readFileSync, readSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { bytesFromHex } from '../../../core/base/bytes.ts';
import type { Disk } from '../../../core/base/ports.ts';
import type { BatchHead, StoreIdentity } from '../../../core/store/format.ts';
import {
  decodeIdentity,
  encodeHead,
  flagOpening,
  headBytes,
  identityFile,
  parseSegmentName,
  sectorBytes,
} from '../../../core/store/format.ts';
import { readParts } from '../../../core/store/parts.ts';
import type { Part } from '../../../core/store/parts.ts';
import { scanSegment } from '../../../core/store/scan.ts';

/** A batch of the log, and where it is. */
export interface Batch {
  readonly file: string;
  readonly segmentBytes: number;
  readonly head: BatchHead;
  readonly end: number;
  readonly opening: boolean;
  /** Empty when the body cannot be read. */
  readonly parts: readonly Part[];
  readonly whole: boolean;
}

export function identityOf(dataDirectory: string): StoreIdentity {
  const identity = decodeIdentity(readFileSync(join(dataDirectory, identityFile)));
  if (identity === null) throw new Error(`${dataDirectory} has no identity`);
  return identity;
}

export function segmentsOf(
  dataDirectory: string,
): { readonly number: number; readonly name: string; readonly size: number }[] {
  return readdirSync(dataDirectory)
    .flatMap((name) => {
      const parsed = parseSegmentName(name);
      return parsed === null ? [] : [{ ...parsed, name }];
    })
    .sort((a, b) => a.number - b.number);
}

/** All batches, oldest first. If the node runs, it may be writing, and the last may be missing or torn. */
export function batchesOf(dataDirectory: string): Batch[] {
  if (!existsSync(join(dataDirectory, identityFile))) return [];
  const seal = bytesFromHex(identityOf(dataDirectory).seal)!;
  const batches: Batch[] = [];
  const disk = {
    read: (name: string, offset: number, length: number) => readAt(join(dataDirectory, name), offset, length),
  };
  for (const { number, name, size } of segmentsOf(dataDirectory)) {
    const actual = statSync(join(dataDirectory, name)).size;
    scanSegment(
      disk as unknown as Disk,
      { number, name, size, actual },
      seal,
      batches.at(-1)?.head.sequence ?? 0,
      (found) => {
        const parts: Part[] = [];
        if (found.body !== null) readParts(found.body, false, (part) => parts.push(part));
        const opening = (found.head.flags & flagOpening) !== 0;
        const file = join(dataDirectory, name);
        const whole = found.body !== null;
        batches.push({ file, segmentBytes: size, head: found.head, end: found.end, opening, parts, whole });
      },
    );
  }
  return batches;
}

/** Destroys the sectors of a batch, including its head. What was in them is gone. */
export function destroy({ file, head, end }: Batch): void {
  writeAt(file, head.offset, new Uint8Array(end - head.offset).fill(0xff));
}

/** Nothing after this batch was ever written. */
export function eraseBehind(dataDirectory: string, batch: Batch): void {
  for (const later of batchesOf(dataDirectory)) {
    if (later.head.sequence > batch.head.sequence)
      writeAt(later.file, later.head.offset, new Uint8Array(later.end - later.head.offset));
  }
}

/**
 * A power cut while the batch was written: its first sector is there, the others are not. Returns false for a batch of
 * a single sector, which is all or nothing.
 */
export function tear({ file, head, end }: Batch): boolean {
  const rest = end - head.offset - sectorBytes;
  if (rest <= 0) return false;
  writeAt(file, head.offset + sectorBytes, new Uint8Array(rest));
  return true;
}

/**
 * A power cut while the next batch was written. Its first sector got to the disk, and nothing in it was acknowledged.
 */
export function tearNext(dataDirectory: string): void {
  const last = batchesOf(dataDirectory).at(-1);
  if (last === undefined) throw new Error(`${dataDirectory} has no batch`);
  const bodyBytes = 2 * sectorBytes;
  if (last.end + bodyBytes + sectorBytes > last.segmentBytes)
    throw new Error('no room for another batch in the segment');
  const sector = new Uint8Array(sectorBytes).fill(0xa5);
  const head: BatchHead = {
    ...last.head,
    sequence: last.head.sequence + 1,
    offset: last.end,
    flags: 0,
    echoDistance: 1,
    echoBytes: 0,
    echoCrc: 0,
    bodyBytes,
    bodyCrc: 0x1234_5678,
  };
  encodeHead(head, bytesFromHex(identityOf(dataDirectory).seal)!, sector.subarray(0, headBytes));
  writeAt(last.file, last.end, sector);
}

function readAt(file: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const descriptor = openSync(file, 'r');
  try {
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
  } finally {
    closeSync(descriptor);
  }
}

export function writeAt(file: string, offset: number, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'r+');
  try {
    writeSync(descriptor, bytes, 0, bytes.length, offset);
  } finally {
    closeSync(descriptor);
  }
}
