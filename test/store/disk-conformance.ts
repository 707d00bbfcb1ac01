/** What every disk under the store must do. Each implementation passes this one suite. */

import { describe, expect, it } from 'vitest';
import type { Disk, DiskDone } from '../../core/base/ports.ts';

export interface DiskUnderTest {
  readonly disk: Disk;
  /** Another disk over the same files, as the next process would see it. */
  readonly again: () => Disk;
  /** Lets pending operations complete. */
  readonly settle: () => Promise<void>;
  readonly end: () => void;
}

export function diskConformance(name: string, make: () => DiskUnderTest): void {
  const using = async (story: (world: DiskUnderTest, call: Call) => Promise<void> | void): Promise<void> => {
    const world = make();
    const call: Call = async (operation) => {
      let outcome: Error | null | undefined;
      let inside = true;
      operation((error) => {
        expect(inside).toBe(false);
        expect(outcome).toBeUndefined();
        outcome = error;
      });
      inside = false;
      await world.settle();
      expect(outcome).not.toBeUndefined();
      return outcome ?? null;
    };
    try {
      world.disk.lock();
      await story(world, call);
      world.disk.unlock();
    } finally {
      world.end();
    }
  };

  describe(name, () => {
    it('makes files of zeros, and lists them by name with their size', () =>
      using(async ({ disk }, call) => {
        expect(disk.list()).toEqual([]);
        expect(await call((done) => disk.create('b', 10_000, done))).toBeNull();
        expect(await call((done) => disk.create('a', 0, done))).toBeNull();
        expect(disk.list()).toEqual([
          { name: 'a', size: 0 },
          { name: 'b', size: 10_000 },
        ]);
        expect(disk.read('b', 0, 10_000)).toEqual(new Uint8Array(10_000));
        expect(await call((done) => disk.create('b', 5, done))).toBeInstanceOf(Error);
      }));

    it('reads what was written, in one part or many, synced or not', () =>
      using(async ({ disk }, call) => {
        await call((done) => disk.create('f', 8192, done));
        expect(await call((done) => disk.write('f', 100, [bytes(1, 2, 3)], true, done))).toBeNull();
        const parts = [bytes(4), bytes(), bytes(5, 6)];
        expect(await call((done) => disk.write('f', 103, parts, false, done))).toBeNull();
        expect(await call((done) => disk.sync('f', done))).toBeNull();
        expect(disk.read('f', 99, 8)).toEqual(bytes(0, 1, 2, 3, 4, 5, 6, 0));
        expect(await call((done) => disk.write('f', 0, [], true, done))).toBeNull();
      }));

    it('grows a file that is written past its end, and reads fewer bytes only there', () =>
      using(async ({ disk }, call) => {
        await call((done) => disk.create('f', 0, done));
        await call((done) => disk.write('f', 10, [bytes(7)], true, done));
        expect(disk.list()).toEqual([{ name: 'f', size: 11 }]);
        expect(disk.read('f', 9, 100)).toEqual(bytes(0, 7));
        expect(disk.read('f', 100, 10)).toEqual(bytes());
        expect(() => disk.read('g', 0, 1)).toThrow();
      }));

    it('ends calls on one file in the order in which they were made', () =>
      using(async ({ disk, settle }) => {
        const order: number[] = [];
        const count =
          (n: number): DiskDone =>
          (error) => {
            expect(error).toBeNull();
            order.push(n);
          };
        disk.create('f', 4096, count(0));
        for (let i = 1; i <= 20; i++) disk.write('f', 0, [bytes(i)], i % 3 === 0, count(i));
        disk.sync('f', count(21));
        disk.rename('f', 'g', count(22));
        await settle();
        expect(order).toEqual(Array.from({ length: 23 }, (_, i) => i));
        expect(disk.read('g', 0, 1)).toEqual(bytes(20));
      }));

    it('renames over existing files, truncates, and removes', () =>
      using(async ({ disk }, call) => {
        await call((done) => disk.create('a', 100, done));
        await call((done) => disk.create('b', 50, done));
        await call((done) => disk.write('a', 0, [bytes(9)], true, done));
        expect(await call((done) => disk.rename('a', 'b', done))).toBeNull();
        expect(disk.list()).toEqual([{ name: 'b', size: 100 }]);
        expect(disk.read('b', 0, 1)).toEqual(bytes(9));
        expect(await call((done) => disk.truncate('b', 1, done))).toBeNull();
        expect(disk.list()).toEqual([{ name: 'b', size: 1 }]);
        expect(await call((done) => disk.remove('b', done))).toBeNull();
        expect(disk.list()).toEqual([]);
        for (const failing of [
          (done: DiskDone) => disk.remove('b', done),
          (done: DiskDone) => disk.rename('b', 'c', done),
          (done: DiskDone) => disk.write('b', 0, [bytes(1)], true, done),
          (done: DiskDone) => disk.sync('b', done),
        ]) {
          expect(await call(failing)).toBeInstanceOf(Error);
        }
      }));

    it('takes one store at a time, and says which process has it', () =>
      using(async ({ disk, again }, call) => {
        await call((done) => disk.create('f', 10, done));
        const second = again();
        expect(() => second.lock()).toThrow(/in use/);
        disk.unlock();
        second.lock();
        expect(second.list()).toEqual([{ name: 'f', size: 10 }]);
        second.unlock();
        disk.lock();
      }));

    it('says how much more can be written', () =>
      using(({ disk }) => {
        expect(disk.free()).toBeGreaterThan(0);
      }));
  });
}

type Call = (operation: (done: DiskDone) => void) => Promise<Error | null>;

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}
