/**
 * Files in the directory that are named like segments of the log but are not. Whoever put them there, they change no
 * number and hide nothing.
 */

import { describe, expect, it } from 'vitest';
import { parseSegmentName, segmentName } from '../../core/store/format.ts';
import { listSegments } from '../../core/store/segment-files.ts';
import type { Entry } from '../../core/vr/entry.ts';
import { World, chain } from './world.ts';

const segmentBytes = 256 * 1024;
const leftAlone = expect.stringContaining('holds nothing of this store: it is left alone') as string;

/** A world whose replica grows by `more` ops of 16 KiB at a time. */
class Growing {
  readonly world = new World({ segmentBytes });
  #last: Entry | null = null;

  constructor() {
    this.world.create(1);
    this.world.settle();
  }

  get head(): number {
    return this.#last?.op ?? 0;
  }

  grow(more: number): void {
    for (let i = 0; i < more; i++) {
      const [entry] = chain(this.head + 1, this.head + 1, this.#last, 16 * 1024);
      this.world.store.persist(1, 'r1', { entries: [entry!] }, () => undefined);
      this.#last = entry!;
      this.world.settle();
    }
  }

  put(name: string, size: number): void {
    this.world.disk.create(name, size, () => undefined);
    this.world.disk.run();
  }

  /** Everything is there after a restart, and the only warnings are that files were left alone. */
  restart(strays: number): void {
    this.world.lines.length = 0;
    this.world.restart();
    expect(this.world.warnings()).toEqual(Array.from({ length: strays }, () => leftAlone));
    expect(this.world.recovered(1)).toMatchObject({ head: this.head, headProven: true, corrupt: [] });
    this.world.settle();
  }

  numbers(): number[] {
    return listSegments(this.world.disk).map(({ number }) => number);
  }

  has(name: string): boolean {
    return this.world.segments().includes(name);
  }
}

describe('a file with the name of a segment that never existed', () => {
  it('changes no number, is left alone, and is reported at each start', () => {
    const log = new Growing();
    log.grow(20);
    const before = log.numbers().at(-1)!;
    const [stray, higher] = [segmentName(99_999_999, segmentBytes), segmentName(0xffff_ffff, segmentBytes)];
    log.put(stray, segmentBytes);
    log.put(higher, segmentBytes);
    for (let i = 0; i < 3; i++) {
      log.restart(2);
      log.grow(30);
    }
    const numbers = log.numbers();
    expect(numbers.slice(-2)).toEqual([99_999_999, 0xffff_ffff]);
    const own = numbers.slice(0, -2);
    expect(own.at(-1)).toBeGreaterThan(before);
    expect(own).toEqual(own.map((_, i) => own[0]! + i));
    expect(log.has(stray) && log.has(higher)).toBe(true);
    log.restart(2);
  });

  it('is skipped when the numbers reach it, whatever its size', () => {
    const log = new Growing();
    log.grow(20);
    const last = log.numbers().at(-1)!;
    const strays = [segmentName(last + 2, segmentBytes), segmentName(last + 3, 4096)];
    for (const name of strays) log.put(name, Number(name.split('-')[2]));
    log.restart(2);
    log.grow(60);
    expect(log.numbers().at(-1)).toBeGreaterThan(last + 3);
    expect(strays.every((name) => log.has(name))).toBe(true);
    expect(new Set(log.numbers()).size).toBe(log.numbers().length);
    log.restart(0);
  });

  it('is not part of the log that was cut, when it is shorter than its name says', () => {
    const log = new Growing();
    log.grow(20);
    const stray = segmentName(log.numbers().at(-1)! + 1, 1024 * 1024);
    log.put(stray, 5);
    log.restart(1);
    log.grow(10);
    expect(log.has(stray)).toBe(true);
  });

  it('is reported, but is not damage, when the log has passed it and when it is gone again (found by lives of a store)', () => {
    const log = new Growing();
    log.grow(20);
    const stray = segmentName(log.numbers().at(-1)! + 1, 8192);
    log.put(stray, 5);
    log.restart(1);
    log.grow(60);
    expect(log.numbers().at(-1)).toBeGreaterThan(parseSegmentName(stray)!.number);
    log.restart(1);
    log.grow(20);
    log.world.disk.lose(stray);
    log.restart(0);
  });

  it('does not replace the segment whose number it has', () => {
    const log = new Growing();
    log.grow(20);
    const [first] = log.numbers();
    // One of them is listed before the segment, the other after it.
    const strays = [segmentName(first!, 4096 * 4), segmentName(first!, 999_424)];
    for (const name of strays) log.put(name, Number(name.split('-')[2]));
    log.restart(2);
    for (let op = 1; op <= log.head; op++) expect(log.world.store.storageOf(1, 'r1').entry(op)?.op).toBe(op);
    log.grow(20);
    log.restart(2);
  });
});

describe('a segment beyond what the floor says', () => {
  it('counts when batches of this store are in it, because the floor is then an older copy', () => {
    const log = new Growing();
    const { disk } = log.world;
    const size = disk.list().find(({ name }) => name === 'floor')!.size;
    const floor = disk.read('floor', 0, size);
    log.grow(60);
    expect(log.numbers().length).toBeGreaterThan(3);
    disk.processCrash();
    disk.write('floor', 0, [floor], true, () => undefined);
    disk.run();
    log.restart(0);
    log.grow(20);
    log.restart(0);
  });
});

it('segments are read in the order of their numbers, however long these are, and each number has one name', () => {
  expect(parseSegmentName('log-100000000-4096')).toEqual({ number: 100_000_000, size: 4096 });
  expect(parseSegmentName(segmentName(0xffff_ffff, 4096))).toEqual({ number: 0xffff_ffff, size: 4096 });
  for (const name of ['log-0000001-4096', 'log-000000001-4096', 'log-00000001-04096', 'log-4294967296-4096']) {
    expect(parseSegmentName(name)).toBeNull();
  }
  const log = new Growing();
  for (const number of [100_000_000, 99_999_999]) log.put(segmentName(number, 4096), 4096);
  expect(log.numbers().slice(-2)).toEqual([99_999_999, 100_000_000]);
});
