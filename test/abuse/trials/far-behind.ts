/** A node comes back that is far behind, and the view changes at once. */

import { namespaceName } from '../../stage/stage.ts';
import { primaryNode, replicasOn } from '../../stage/tools/nodes.ts';
import { comes, wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { Bulk } from '../tools/bulk.ts';

/** Much more than a replica holds in memory on its way to a view. */
const puts = 100;

export const trial = trialOf({
  name: 'far-behind',
  sentence: `A backup is away while ${puts} MB are put, comes back, and the primary is paused: it catches up, and says how far it is behind until then.`,
  short: false,
  limitMs: 180_000,
  memoryMiB: 640,
  graceMs: 7000,
  clue: /behind|lacks entry|catch/i,
  // No checkpoint is due, so that all of it has to come from the log.
  config: 'checkpoint_bytes = 1073741824',
  async prepare({ stage, cluster, nodes, touches }) {
    const primary = await primaryNode(cluster);
    const away = nodes.findLast((node) => node !== primary)!;
    touches(away);
    await away.kill();
    const clients = [[primary], [primary]];
    const bulk = await Bulk.start(stage, { clients, stays: true, outstanding: 4, valueBytes: 1_000_000 });
    await comes(40_000, () => Promise.resolve(bulk.done >= puts));
    await bulk.stop();
    stage.step(`${bulk.done} MB were put without ${away.name}`);
  },
  async attack({ stage, cluster, nodes, touches }) {
    const primary = await primaryNode(cluster);
    const away = nodes.find(({ pid }) => pid === null)!;
    await away.start();
    stage.step(`${away.name} comes back, and the primary ${primary.name} is paused`);
    touches(primary);
    primary.pause();
    await wait(4000);
    primary.resume();
    const heads = async (): Promise<number[]> => {
      const replicas = await Promise.all(nodes.map((node) => replicasOn(node, namespaceName).catch(() => [])));
      return replicas.map((of) => of[0]?.commit ?? 0);
    };
    const began = performance.now();
    const caught = await comes(20_000, async () => {
      const [least, ...others] = (await heads()).sort((a, b) => a - b);
      return least! > 0 && others.at(-1)! - least! < 50;
    });
    stage.step(
      `commits stand at ${(await heads()).join(', ')} after ${((performance.now() - began) / 1000).toFixed(1)} s`,
    );
    stage.demand(caught, `${away.name} has not caught up within 20 s`);
  },
});
