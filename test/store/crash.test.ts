/**
 * Whenever the power goes, the store comes back as it was after some number of the batches that it was given, in their
 * order, and that number is not below the batches that it had called durable. Whichever sector rots, nothing is lost
 * silently.
 * @module-tag slow
 */

import { describe, expect, it } from 'vitest';
import { sectorBytes } from '../../core/store/format.ts';
import type { SeededRandom } from '../../core/base/random.ts';
import { Workload } from './workload.ts';

describe('a store whose power is cut', () => {
  it('holds a prefix of what it was given, with everything that it acknowledged', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const work = new Workload(seed);
      for (let life = 0; life < 6; life++) {
        work.go(20 + work.random.below(100));
        if (work.random.chance(1, 3)) work.world.settle();
        if (work.random.chance(1, 4)) work.world.disk.processCrash();
        else work.world.disk.powerCut(work.random);
        work.reopen();
        expect(work.world.failures).toEqual([]);
        expect(work.world.warnings()).toEqual([]);
      }
    }
  });
});

describe('a store whose power is cut again and again early in its start (V28)', () => {
  it('holds everything that it acknowledged, and doubts none of it: torn batches over torn ones are torn', () => {
    let torn = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const work = new Workload(seed + 300);
      for (let life = 0; life < 5; life++) {
        work.go(20 + work.random.below(60));
        work.world.disk.powerCut(work.random);
        work.interrupted(1 + work.random.below(5));
        work.reopen();
        expect(work.world.failures).toEqual([]);
        expect(work.world.warnings()).toEqual([]);
        expect(work.world.store.emptied).toBe(false);
      }
      torn += work.world.lines.filter(({ message }) => message.includes('was torn by a crash')).length;
    }
    expect(torn).toBeGreaterThan(20);
  });
});

/** Damages one random sector of the log, in one of the ways in which sectors go bad. */
function damage(work: Workload, random: SeededRandom): void {
  const { disk } = work.world;
  const name = random.pick(work.world.segments());
  const size = disk.list().find((file) => file.name === name)!.size;
  const sector = random.below(size / sectorBytes);
  const way = random.below(3);
  if (way === 0) disk.corrupt(name, sector * sectorBytes + random.below(300), 1 << random.below(8));
  else if (way === 1) disk.breakSector(name, sector);
  else {
    // As far as the disk knows, this sector was never written.
    disk.erase(name, sector);
  }
}

describe('a store that rests and loses a sector', () => {
  it('knows everything that it held, by its content or by its name', () => {
    let corrupt = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const work = new Workload(seed + 500);
      for (let life = 0; life < 3; life++) {
        work.go(20 + work.random.below(80));
        work.world.settle();
        const expected = work.history.at(-1)!;
        for (let i = 0; i < 4; i++) {
          const whole = work.world.disk.fork();
          work.world.disk.processCrash();
          damage(work, work.random);
          work.world.open();
          const found = work.recovered();
          expect(found.text).toBe(expected);
          expect(found.unproven).toEqual([]);
          corrupt += found.corrupt;
          // A second start comes to the same conclusion as the first, although it finds another log after the damage.
          work.world.settle();
          work.world.restart();
          const again = work.recovered();
          expect(again).toEqual(found);
          work.world.disk = whole;
          work.world.open();
        }
        work.world.disk.processCrash();
        work.reopen();
      }
    }
    expect(corrupt).toBeGreaterThan(5);
  });

  it('reports each replica that cannot prove its head, when several sectors are gone and the replica is not as it was', () => {
    let unproven = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const work = new Workload(seed + 900);
      work.go(120);
      work.world.settle();
      const expected = new Map(
        work.history
          .at(-1)!
          .split('\n')
          .map((line) => [line.split(' ')[0]!, line]),
      );
      // If nothing of the log's end is left, it looks as if it had never been written. So here the end belongs to
      // another replica.
      for (let i = 0; i < 8; i++) {
        work.world.store.setNodeRecord(new Uint8Array([i]), () => undefined);
        work.world.settle();
      }
      work.world.disk.processCrash();
      const sectors = 2 + work.random.below(12);
      for (let i = 0; i < sectors; i++) damage(work, work.random);
      work.world.open();
      const found = work.recovered();
      unproven += found.unproven.length;
      for (const line of found.text.split('\n')) {
        const name = line.split(' ')[0]!;
        if (name === 'record' || found.unproven.includes(name)) continue;
        // A log may begin later than it did, below its checkpoint, because those entries are not needed.
        const [promises, log] = line.split(/ from \d+: ?/) as [string, string];
        expect(expected.get(name)!.startsWith(promises)).toBe(true);
        expect(expected.get(name)!.endsWith(log)).toBe(true);
      }
    }
    expect(unproven).toBeGreaterThan(5);
  });
});
