/**
 * Random lives of one store from one seed: work, crashes of the process, and power cuts, some of them before a start
 * has come far. Someone may put files into the directory that are named like segments of the log. Whatever the seed,
 * the store comes back with everything that it acknowledged, and finds nothing that it cannot explain except such
 * files.
 */

import { SeededRandom } from '../../core/base/random.ts';
import { telling } from '../again.ts';
import { Workload } from './workload.ts';

const livesOfASeed = 8;
const leftAlone = 'holds nothing of this store: it is left alone';

/** @throws with what runs the seed again, when something that was acknowledged is gone, or a disk that is whole gives an alarm. */
export function live(seed: number): void {
  telling("the store's lives", seed, 'test/store/lives.test.ts', () => {
    const random = new SeededRandom(seed, 0x57ea);
    const strays = new SeededRandom(seed, 0x57ea7);
    const work = new Workload(seed);
    for (let life = 0; life < livesOfASeed; life++) {
      work.go(random.pick([5, 30, 120, 400]));
      if (random.chance(1, 3)) work.world.settle();
      if (random.chance(1, 4)) work.world.disk.processCrash();
      else work.world.disk.powerCut(work.random);
      if (random.chance(1, 3)) work.interrupted(1 + random.below(4));
      // From a generator of its own, so that a life without such a file stays as it was before such files existed.
      if (strays.chance(1, 4)) work.stray(strays);
      work.reopen();
      const [failure] = work.world.failures;
      if (failure !== undefined) throw failure;
      const [warning] = work.world.warnings().filter((text) => !text.includes(leftAlone));
      if (warning !== undefined) throw new Error(`a disk that nothing happened to: ${warning}`);
    }
  });
}
