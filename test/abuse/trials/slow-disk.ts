/** The primary's disk is slow: each write waits for hundreds of milliseconds. */

import { primaryNode } from '../../stage/tools/nodes.ts';
import { wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { freeze, layOnFreezable, thaw } from '../tools/disks.ts';

const stalledMs = 500;
const awakeMs = 50;
const lastsMs = 10_000;

export const trial = trialOf({
  name: 'slow-disk',
  sentence: `The disk of the primary stands still for ${stalledMs} ms again and again: another node becomes primary, and the node says that its disk is slow.`,
  short: false,
  graceMs: 5000,
  clue: /disk/i,
  lay: (stage) => layOnFreezable(stage, 400),
  async attack({ stage, cluster }) {
    const primary = await primaryNode(cluster);
    stage.step(`the disk of ${primary.name}, the primary, is slow`);
    for (const end = Date.now() + lastsMs; Date.now() < end;) {
      await freeze(stage, primary);
      await wait(stalledMs);
      await thaw(stage, primary);
      await wait(awakeMs);
    }
    const now = await primaryNode(cluster);
    stage.step(`${now.name} is primary now`);
    stage.demand(now !== primary, 'a primary whose disk is slow stays primary');
  },
});
