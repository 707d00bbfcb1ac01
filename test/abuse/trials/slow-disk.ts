/** The primary's disk is slow: each write waits for hundreds of milliseconds. */

import { primaryNode } from '../../stage/tools/nodes.ts';
import { trialOf, wait } from '../attack.ts';
import { freezable, freeze, thaw } from '../tools/disks.ts';

const stalledMs = 500;
const awakeMs = 50;
const lastsMs = 10_000;

export const trial = trialOf({
  name: 'slow-disk',
  sentence: `The disk of the primary stands still for ${stalledMs} ms again and again: another node becomes primary, and the node says that its disk is slow.`,
  short: false,
  graceMs: 5000,
  clue: /disk/i,
  async lay(stage) {
    const cluster = await stage.layOut(3);
    for (const node of cluster.nodes) await freezable(stage, node, 400);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await cluster.found('test-ns');
    return cluster;
  },
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
