/**
 * Random lives of one store from one seed: work, crashes of the process, and power cuts, some of them before a start
 * has come far. Whatever the seed, the store comes back with everything that it acknowledged, and finds nothing that it
 * cannot explain.
 */

import { SeededRandom } from '../../core/base/random.ts';
import { Workload } from './workload.ts';

const livesOfASeed = 8;

/** @throws with the seed, when something that was acknowledged is gone, or when a whole disk gives an alarm. */
export function live(seed: number): void {
  const random = new SeededRandom(seed, 0x57ea);
  try {
    const work = new Workload(seed);
    for (let life = 0; life < livesOfASeed; life++) {
      work.go(random.pick([5, 30, 120, 400]));
      if (random.chance(1, 3)) work.world.settle();
      if (random.chance(1, 4)) work.world.disk.processCrash();
      else work.world.disk.powerCut(work.random);
      if (random.chance(1, 3)) work.interrupted(1 + random.below(4));
      work.reopen();
      const [failure] = work.world.failures;
      if (failure !== undefined) throw failure;
      const [warning] = work.world.warnings();
      if (warning !== undefined) throw new Error(`a disk that was never damaged: ${warning}`);
    }
  } catch (error) {
    const what = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    throw new Error(`seed ${seed} of the store's lives: ${what}`, { cause: error });
  }
}
