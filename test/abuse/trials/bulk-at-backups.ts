/** Large writes at the backups share the links with the protocol's messages. */

import { namespaceName } from '../../stage/stage.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { Bulk } from '../tools/bulk.ts';
import { viewOf } from '../tools/filling.ts';

const clients = 6;
const outstanding = 10;
const valueBytes = 1_000_000;
const seconds = 6;

export const trial = trialOf({
  name: 'bulk-at-backups',
  sentence: `${clients} clients with ${outstanding} outstanding puts of a megabyte write at the primary, then at the backups: there at least 60 % as fast, without a view change.`,
  short: false,
  clue: null,
  async attack({ stage, cluster, nodes }) {
    const view = await viewOf(nodes, namespaceName);
    const counts: number[] = [];
    for (const where of ['primary', 'backups'] as const) {
      const primary = await primaryNode(cluster);
      const backups = nodes.filter((node) => node !== primary);
      const at = (i: number): typeof nodes => (where === 'primary' ? [primary] : [backups[i % 2]!]);
      const bulk = await Bulk.start(stage, {
        clients: Array.from({ length: clients }, (_, i) => at(i)),
        stays: true,
        outstanding,
        valueBytes,
      });
      await wait(seconds * 1000);
      const { done, failed } = bulk;
      counts.push(done);
      stage.step(
        `at the ${where}: ${done} puts in ${seconds} s, ${failed} failed; view ${await viewOf(nodes, namespaceName)}`,
      );
      await bulk.stop();
    }
    const after = await viewOf(nodes, namespaceName);
    stage.figures['bulk'] = counts.join('/');
    stage.demand(after === view, `the group went from view ${view} to ${after}`);
    stage.demand(counts[1]! >= 0.6 * counts[0]!, `${counts[1]} puts at the backups, ${counts[0]} at the primary`);
  },
});
