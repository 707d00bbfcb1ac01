/**
 * Which files of the directory are segments of this log. Segment numbers are given one after the other, and the floor
 * is durable before a segment takes its first batch (protocol §2, "Proof of the head"). So a file is not one of them,
 * no matter who put it there, if it holds no batch of this store and its number is too high or out of sequence, or it is
 * shorter than its name says. Nor is a second file with the same number, nor one far below what the log needs.
 */

import { bytesFromHex } from '../base/bytes.ts';
import type { Disk, Log } from '../base/ports.ts';
import type { FloorState } from './floor.ts';
import { headBytes, parseSegmentName, sealOfHead } from './format.ts';
import type { SegmentFile } from './scan.ts';
import type { Segments } from './segments.ts';

export function listSegments(disk: Disk): SegmentFile[] {
  const files: SegmentFile[] = [];
  for (const { name, size } of disk.list()) {
    const parsed = parseSegmentName(name);
    if (parsed !== null) files.push({ number: parsed.number, name, size: parsed.size, actual: size });
  }
  // Of two files with one number, the whole one comes first.
  return files.sort((a, b) => a.number - b.number || Number(isCut(a)) - Number(isCut(b)));
}

function isCut({ actual, size }: SegmentFile): boolean {
  return actual < size;
}

/**
 * The lowest number of the unbroken sequence that ends at `oldest`. Of the segments that are no longer needed, the
 * lowest always goes first, together with spares that were skipped and hold nothing. So a file outside this sequence is
 * not of this log.
 */
function lowestInRow(files: readonly SegmentFile[], oldest: number): number {
  let lowest = oldest;
  for (let i = files.length - 1; i >= 0; i--) {
    const file = files[i]!;
    if (file.number === lowest - 1 && !isCut(file)) lowest--;
  }
  return lowest;
}

/** The names of the segments that another store wrote. Each batch carries the seal of its store. */
export function foreignSegments(disk: Disk, files: readonly SegmentFile[], seal: string): ReadonlySet<string> {
  const own = bytesFromHex(seal)!;
  const foreign = new Set<string>();
  for (const { name } of files) {
    try {
      const found = sealOfHead(disk.read(name, 0, headBytes));
      if (found?.some((byte, i) => byte !== own[i]) === true) foreign.add(name);
    } catch {
      // What cannot be read tells nothing.
    }
  }
  return foreign;
}

export interface LogExtent {
  /** Files in which a batch was found, by name. */
  readonly used: ReadonlySet<string>;
  /** Files that another store wrote. */
  readonly foreign: ReadonlySet<string>;
  /** The lowest segment that the log needs. */
  readonly oldest: number;
  /** The highest segment that was begun according to the floor, or in which a batch was found. */
  readonly begun: number;
  /** No batch is missing in segments below this one. */
  readonly whole: number;
  readonly floor: FloorState | null;
}

/**
 * True when the floor proves that no batch of that segment was ever durable: a later segment was begun, and the highest
 * segment that is known to have taken a batch is an earlier one.
 */
export function tookNone(floor: FloorState | null, number: number): boolean {
  return floor !== null && number > floor.confirmed && number < floor.begun;
}

/** What is missing between two batches that are in these segments. */
export function holeBetween(segments: Segments, from: number, to: number): string {
  for (let number = from + 1; number < to; number++)
    if (segments.get(number) === undefined) return 'a segment of the log is missing';
  return 'batches of the log are missing';
}

/** A segment that took a batch, or the one that was begun last, is not there or holds nothing. */
export function endsBelow(floor: FloorState | null, files: readonly SegmentFile[], endSegment: number): boolean {
  if (floor === null) return false;
  const there = files.some(({ number }) => number === floor.begun);
  return floor.confirmed > endSegment || (floor.begun > endSegment && !there);
}

/**
 * Removes from `files`, which are in the order of their numbers, those that are not of this log. They are logged and
 * never touched, and no number follows from theirs.
 * @param found what the log itself says.
 */
export function ownSegments(
  files: readonly SegmentFile[],
  found: LogExtent,
  segments: Segments,
  log: Log,
): SegmentFile[] {
  const own: SegmentFile[] = [];
  const { used, foreign, begun, whole, floor } = found;
  const lowest = lowestInRow(files, found.oldest);
  // Files that were made ahead have the numbers right after the last segment that was begun.
  let next = begun + 1;
  for (const file of files) {
    const { number, name, size, actual } = file;
    // If no batch is missing, a cut file without a batch never held one.
    const passedBy = isCut(file) && (number < whole || tookNone(floor, number));
    const begunOnce = number >= lowest && number <= begun && !passedBy;
    const counts = used.has(name) || begunOnce || (number === next && !isCut(file));
    if (counts && segments.get(number)?.name === name) {
      own.push(file);
      if (number === next) next++;
      continue;
    }
    segments.leaveOut(number, name);
    const advice = foreign.has(name)
      ? "another store wrote it, and it may be the only copy of another node's log"
      : 'remove it when you know what it is';
    const text = `a file is named like a segment of the log but holds nothing of this store: it is left alone; ${advice}`;
    log.write('warn', text, { file: name, begun, bytes: actual, expected: size });
  }
  segments.numberAbove(begun);
  return own;
}
