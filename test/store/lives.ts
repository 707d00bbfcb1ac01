/**
 * Random lives of one store from one seed: work, and crashes of the process and of the power, of which some come before a start has come
 * far. Somebody may put files into the directory that are named like segments of the log. Whatever the seed, the store comes back with all that
 * it acknowledged, and finds nothing that it has to explain but such files.
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
      // Draws of its own: a life without such a file is as it was before there were any.
      if (strays.chance(1, 4)) work.stray(strays);
      work.reopen();
      const [failure] = work.world.failures;
      if (failure !== undefined) throw failure;
      const [warning] = work.world.warnings().filter((text) => !text.includes(leftAlone));
      if (warning !== undefined) throw new Error(`a disk that nothing happened to: ${warning}`);
    }
  });
}
