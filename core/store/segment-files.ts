/**
 * Which files of the directory are segments of this log. Segment numbers are given one after the other, and the floor
 * is durable before a segment takes its first batch (protocol §2, "Proof of the head"). So a file is not one of them,
 * whoever put it there, if it holds no batch of this store and its number is too high or out of sequence, or it is
 * shorter than its name says. Nor is a second file with the same number.
 */

import type { Disk, Log } from '../base/ports.ts';
import { parseSegmentName } from './format.ts';
import type { SegmentFile } from './scan.ts';
import type { Segments } from './segments.ts';

export function listSegments(disk: Disk): SegmentFile[] {
  const files: SegmentFile[] = [];
  for (const { name, size } of disk.list()) {
    const parsed = parseSegmentName(name);
    if (parsed !== null) files.push({ number: parsed.number, name, size: parsed.size, actual: size });
  }
  return files.sort((a, b) => a.number - b.number);
}

/**
 * Removes from `files`, which are in the order of their numbers, those that are not of this log. They are logged and
 * never touched, and no number follows from theirs.
 * @param begun the highest segment that was begun according to the floor, or in which a batch was found.
 */
export function ownSegments(files: readonly SegmentFile[], begun: number, segments: Segments, log: Log): SegmentFile[] {
  const own: SegmentFile[] = [];
  // Files that were made ahead have the numbers right after the last segment that was begun.
  let next = begun + 1;
  for (const file of files) {
    const { number, name, size, actual } = file;
    const counts = number <= begun || (number === next && actual >= size);
    if (counts && segments.get(number)?.name === name) {
      own.push(file);
      if (number === next) next++;
      continue;
    }
    segments.leaveOut(number, name);
    const text =
      'a file is named like a segment of the log but holds nothing of this store: it is left alone; remove it when you know what it is';
    log.write('warn', text, { file: name, begun, bytes: actual, expected: size });
  }
  segments.numberAbove(begun);
  return own;
}
