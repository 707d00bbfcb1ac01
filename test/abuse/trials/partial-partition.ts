/** A backup and the primary no longer hear each other, and both hear the third node. */

import { primaryNode } from '../../stage/tools/nodes.ts';
import { CutCluster } from '../../stage/tools/proxy.ts';
import { wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';

let cut: CutCluster | null = null;

export const trial = trialOf({
  name: 'partial-partition',
  sentence:
    'A backup is cut off from the primary alone: its watches and reads go on through the third node within a second, and the operator is told which link is gone.',
  short: false,
  graceMs: 1500,
  clue: /not connected|disconnected|cannot reach/i,
  async lay(stage) {
    cut = await CutCluster.start(stage, 3);
    return cut.cluster;
  },
  async attack({ stage, cluster, nodes, afterwards }) {
    const primary = await primaryNode(cluster);
    const backup = nodes.find((node) => node !== primary)!;
    cut!.cutBetween('silent', primary, backup);
    stage.step(`${backup.name}, a backup, and ${primary.name}, the primary, no longer hear each other`);
    afterwards(() => cut!.heal());
    await wait(12_000);
  },
});
