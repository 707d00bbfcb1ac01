/** The primary's disk no longer answers. */

import { primaryNode } from '../../stage/tools/nodes.ts';
import { comes, wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { freeze, layOnFreezable, thaw } from '../tools/disks.ts';

export const trial = trialOf({
  name: 'hanging-primary',
  sentence:
    'The disk of the primary hangs for ten seconds: another node is primary soon, the load goes on there, and the node says what its disk does.',
  short: false,
  graceMs: 4000,
  clue: /disk/i,
  lay: (stage) => layOnFreezable(stage, 400),
  async attack({ stage, cluster, afterwards }) {
    const primary = await primaryNode(cluster);
    await freeze(stage, primary);
    stage.step(`the disk of ${primary.name}, the primary, hangs`);
    afterwards(async () => thaw(stage, primary));
    const moved = await comes(8000, async () => (await primaryNode(cluster)) !== primary);
    stage.demand(moved, 'a primary whose disk hangs stays primary');
    await wait(2000);
  },
});
