/** The disk of the primary is full, and those of the others are not. */

import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { text } from '../../../browser-client/index.ts';
import { namespaceName } from '../../stage/stage.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { comes, wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { ballastOf, small } from '../tools/disks.ts';

const mebi = 1024 * 1024;

export const trial = trialOf({
  name: 'primary-disk-full',
  sentence:
    'Something else fills the disk of the primary alone: it hands over to a node that has room, what grows is taken soon, and the operator is told.',
  short: false,
  graceMs: 4000,
  clue: /disk/i,
  config: `segment_bytes = 1048576\nmax_body_bytes = 524288\nmax_batch_bytes = 524288\nmax_value_bytes = 100000\ndisk_reserve_bytes = ${24 * mebi}`,
  async lay(stage) {
    const cluster = await stage.layOut(3, this.config);
    for (const node of cluster.nodes) await small(stage, node, 160);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await cluster.found(namespaceName);
    return cluster;
  },
  async attack({ stage, cluster, nodes, afterwards }) {
    const primary = await primaryNode(cluster);
    const { bavail, bsize } = statfsSync(primary.dataDirectory);
    writeFileSync(ballastOf(primary), new Uint8Array(bavail * bsize - 8 * mebi));
    afterwards(() => rmSync(ballastOf(primary)));
    stage.step(`8 MiB are left on the disk of ${primary.name}, the primary`);
    await wait(500);
    const haret = await stage.client(nodes, { callTimeoutMs: 3000 });
    const blob = haret.namespace(namespaceName).blob('/grows', text);
    const began = performance.now();
    const grows = await comes(8000, async () => {
      try {
        await blob.put('x'.repeat(1000));
        return true;
      } catch (error) {
        stage.refused(error);
        return false;
      }
    });
    stage.step(
      grows
        ? `what grows is taken after ${(performance.now() - began).toFixed(0)} ms, by ${(await primaryNode(cluster)).name}`
        : 'what grows is refused for eight seconds',
    );
    stage.demand(grows, 'the disk of one node stops all growth, and two have room');
    await haret.close();
  },
});
