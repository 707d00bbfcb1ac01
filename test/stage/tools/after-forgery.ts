/**
 * What must hold after a stranger has said what it likes: the cluster serves, it survives a failover and a restart, and
 * every write is there.
 */

import type { ClusterUnderTest } from '../../integration/cluster-process.ts';
import { namespaceName } from '../stage.ts';
import type { Stage } from '../stage.ts';
import type { Ledger } from './ledger.ts';
import { primaryNode, recover, replicasOn, startAnyhow } from './nodes.ts';

/** No trial reaches this many views. */
const plausibleView = 10_000;

export async function stillServes(
  stage: Stage,
  cluster: ClusterUnderTest,
  ledger: Ledger,
  after: string,
): Promise<void> {
  const haret = await stage.client(cluster.nodes);
  const written = await ledger.write(haret.namespace(namespaceName), 16, 20_000);
  stage.demand(written, `no write is acknowledged after ${after}`);
  await haret.close();
  for (const node of cluster.nodes) {
    if (node.pid === null) continue;
    for (const { replica, view } of await replicasOn(node)) {
      stage.demand(view < plausibleView, `${replica} on ${node.name} is in view ${view} after ${after}`);
    }
  }
}

export async function failoverAndRestart(stage: Stage, cluster: ClusterUnderTest, ledger: Ledger): Promise<void> {
  stage.step('the primary is killed, then all nodes are killed and started again');
  const primary = await primaryNode(cluster);
  await primary.kill();
  await stillServes(stage, cluster, ledger, 'a failover');
  await Promise.all(cluster.nodes.map((node) => node.kill()));
  await startAnyhow(cluster.nodes);
  await recover(stage, cluster.nodes, 40_000);
  await ledger.check(cluster.nodes);
  await ledger.checkEach(cluster.nodes);
  await stage.judgeProcesses(cluster.nodes);
}
