/**
 * Which files of the directory are segments of this log. The numbers of segments are given one after the other, and the floor is durable
 * before one takes its first batch (protocol §2, "Proof of the head"). So a file that bears a number beyond, out of the row or shorter than
 * its name says, and holds no batch of this store, is none of them, whoever put it there. Nor is a second one of the same number.
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
 * Leaves out of `files`, which are in the order of their numbers, those that are not of this log: they are said, never touched, and no
 * number follows from theirs.
 * @param begun the highest segment that was begun, by the word of the floor, or in which a batch was found.
 */
export function ownSegments(files: readonly SegmentFile[], begun: number, segments: Segments, log: Log): SegmentFile[] {
  const own: SegmentFile[] = [];
  // Files made ahead follow in a row on what was begun.
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
      'a file has the name of a segment of the log and holds nothing of this store: it is left alone; remove it when you know what it is';
    log.write('warn', text, { file: name, begun, bytes: actual, expected: size });
  }
  segments.numberAbove(begun);
  return own;
}
