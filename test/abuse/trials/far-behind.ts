/** A node comes back that is far behind, and the view changes at once. */

import { namespaceName } from '../../stage/stage.ts';
import { primaryNode, replicasOn } from '../../stage/tools/nodes.ts';
import { comes } from '../../stage/tools/waiting.ts';
import { trialOf, wait } from '../attack.ts';
import { Bulk } from '../tools/bulk.ts';

const puts = 320;

export const trial = trialOf({
  name: 'far-behind',
  sentence: `A backup is away while ${puts} MB are put, comes back, and the primary is paused: it catches up, and says how far it is behind until then.`,
  short: false,
  limitMs: 180_000,
  memoryMiB: 640,
  graceMs: 5000,
  clue: /behind|lacks entry|catch/i,
  // No checkpoint is due, so that all of it has to come from the log.
  config: 'checkpoint_bytes = 1073741824',
  async attack({ stage, cluster, nodes, ends }) {
    const primary = await primaryNode(cluster);
    const away = nodes.find((node) => node !== primary)!;
    ends(away);
    await away.kill();
    const bulk = await Bulk.start(stage, {
      clients: [[primary], [primary]],
      stays: true,
      outstanding: 5,
      valueBytes: 1_000_000,
    });
    await comes(40_000, () => Promise.resolve(bulk.done >= puts));
    await bulk.stop();
    stage.step(`${bulk.done} MB were put without ${away.name}, which comes back; the primary ${primary.name} is paused`);
    await away.start();
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
    stage.step(`commits stand at ${(await heads()).join(', ')} after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    stage.demand(caught, `${away.name} has not caught up within 20 s`);
  },
});
