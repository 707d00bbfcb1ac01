/**
 * Random lives of one store whose disk is damaged at the end, from one seed: the newest segments are lost, the rest of
 * one is cut off, or batches go bad. Then it is started again and again, the power is cut in the middle of some starts,
 * replicas in doubt hear from their groups, and more is damaged. A start may write over nothing by which the next one would have noticed what is gone.
 */

import { SeededRandom } from '../../core/base/random.ts';
import { wholeBatches } from '../../core/sim/damage.ts';
import { sectorBytes } from '../../core/store/format.ts';
import { telling } from '../again.ts';
import { Workload } from './workload.ts';

/** @throws with what runs the seed again, when a replica claims to be whole and is not. */
export function rot(seed: number): void {
  telling("the store's rotten lives", seed, 'test/store/rotten-lives.test.ts', () => {
    const random = new SeededRandom(seed, 0x7077e);
    const onwards = new SeededRandom(seed, 0x70771);
    const work = new Workload(seed);
    for (let lives = random.below(4); lives >= 0; lives--) {
      work.go(random.pick([5, 30, 120]));
      if (random.chance(1, 3)) work.world.settle();
      if (random.chance(1, 4)) work.world.disk.processCrash();
      else work.world.disk.powerCut(work.random);
      if (random.chance(1, 3)) work.interrupted(1 + random.below(3));
      if (lives > 0) work.reopen();
    }
    for (let starts = 1 + random.below(4); starts > 0; starts--) {
      if (random.chance(1, 2)) damage(work, random);
      if (random.chance(2, 3)) work.interrupted(1 + random.below(3));
      work.judge();
      // From a generator of its own, so that a life that ends here stays as it was before lives went on.
      if (onwards.chance(1, 2)) work.goOn(onwards);
      if (random.chance(1, 2)) work.world.settle();
      work.world.disk.processCrash();
    }
  });
}

/** The last whole batch stays: damage there would look like a torn write (protocol §2). */
function damage(work: Workload, random: SeededRandom): void {
  const { disk } = work.world;
  const batches = wholeBatches(disk);
  const last = batches.pop();
  if (last === undefined || batches.length === 0) return;
  const recent = Math.max(0, batches.length - 1 - random.below(4));
  const at = random.chance(1, 2) ? recent : random.below(batches.length);
  const { file, offset, end } = batches[at]!;
  switch (random.below(4)) {
    case 0: {
      const used = [...new Set([...batches, last].map((one) => one.file))];
      const lost = used.slice(-1 - random.below(2));
      // If nothing is left, the log is gone, and the store says so.
      if (used.length > lost.length) for (const name of lost) disk.lose(name);
      return;
    }
    case 1:
      return disk.cut(file, offset);
    case 2:
      return disk.corrupt(file, offset + random.below(end - offset), 1 + random.below(255));
    case 3:
      for (const { file: name, offset: from, end: to } of batches.slice(at, at + 1 + random.below(3)))
        for (let sector = from; sector < to; sector += sectorBytes) disk.breakSector(name, sector / sectorBytes);
  }
}
