/** Segments on a disk that ends each call when it is told to. */

import { expect, it } from 'vitest';
import type { Disk, DiskDone } from '../../core/base/ports.ts';
import { parseSegmentName } from '../../core/store/format.ts';
import { Segments } from '../../core/store/segments.ts';

const size = 64 * 1024;

it('the store makes no segment while one is being renamed: the log would use the higher number first, and lose it at a restart', () => {
  const calls: { readonly kind: string; readonly number: number; readonly done: DiskDone }[] = [];
  const note = (kind: string, name: string, done: DiskDone): void => {
    calls.push({ kind, number: parseSegmentName(name)!.number, done });
  };
  const disk: Partial<Disk> = {
    create: (name, _size, done) => note('create', name, done),
    rename: (_from, to, done) => note('rename', to, done),
    remove: (name, done) => note('remove', name, done),
  };
  const end = (): void => calls.shift()!.done(null);
  const unexpected = (): never => expect.unreachable();
  const segments = new Segments(disk as Disk, size, {
    failed: unexpected,
    rested: () => undefined,
    refused: unexpected,
  });
  const used: number[] = [];
  const advance = (): void => {
    const next = segments.advance(size, advance);
    if (next !== null) used.push(next.number);
  };
  advance();
  end();
  advance();
  end();
  expect(used).toEqual([1, 2]);

  // The first is no longer needed and becomes the third. Meanwhile the log asks for the next one, twice.
  segments.removeBelow(2);
  segments.prepare();
  advance();
  expect(calls.map(({ kind, number }) => [kind, number])).toEqual([['rename', 3]]);
  end();
  expect(used).toEqual([1, 2, 3]);
  expect(segments.count).toBe(2);
  segments.prepare();
  expect(calls.map(({ kind, number }) => [kind, number])).toEqual([['create', 4]]);
});
