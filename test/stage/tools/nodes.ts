/** What trials ask of nodes that are not well. */

import { eventually } from '../../integration/cluster-process.ts';
import type { ClusterUnderTest, NodeUnderTest } from '../../integration/cluster-process.ts';
import { namespaceName, shown } from '../stage.ts';
import type { Stage } from '../stage.ts';

/** A machine may be busy with other things. */
const answeringMs = 60_000;
const healthy = '{"ok":true,"problems":[]}\n';

/** Starts nodes and waits until each answers, well or not. */
export async function startAnyhow(nodes: readonly NodeUnderTest[]): Promise<void> {
  for (const node of nodes) node.launch();
  await Promise.all(
    nodes.map(async (node) => {
      const status = await eventually(
        `${node.name} answering`,
        async () => (node.pid === null ? 0 : (await node.http('/health')).status),
        answeringMs,
      );
      if (status === 0) throw new Error(`${node.name} ended: ${node.stderr}`);
    }),
  );
}

/**
 * True when all are well and ready within the limit. Otherwise reports what each says about itself, and returns false.
 */
export async function recover(stage: Stage, nodes: readonly NodeUnderTest[], limitMs: number): Promise<boolean> {
  const well = async (node: NodeUnderTest): Promise<true | null> => {
    if (node.pid === null) return null;
    const health = await node.http('/health');
    return health.body === healthy && (await node.http('/ready')).status === 200 ? true : null;
  };
  const results = await Promise.allSettled(nodes.map((node) => eventually(node.name, () => well(node), limitMs)));
  for (const [i, { status }] of results.entries()) {
    if (status === 'fulfilled') continue;
    const node = nodes[i]!;
    if (node.pid === null) stage.fault(`${node.name} ended: ${shown(node.stderr.trim())}`);
    else {
      const say = async (path: string): Promise<string> =>
        shown((await node.http(path).catch((error: unknown) => ({ body: String(error) }))).body.trim());
      stage.fault(`${node.name} is not well within ${limitMs} ms: ${await say('/health')} ${await say('/ready')}`);
    }
  }
  return results.every(({ status }) => status === 'fulfilled');
}

/** The answer of `/health`; '' when nothing answers. */
export async function healthOf(node: NodeUnderTest): Promise<string> {
  return (await node.http('/health').catch(() => ({ body: '' }))).body.trim();
}

/** The node whose replica of the namespace is primary, according to the metrics of the running nodes. */
export async function primaryNode(cluster: ClusterUnderTest, namespace = namespaceName): Promise<NodeUnderTest> {
  return eventually('a primary', async () => {
    let found: NodeUnderTest | null = null;
    let highest = -1;
    for (const node of cluster.nodes) {
      if (node.pid === null) continue;
      const { body } = await node.http('/metrics').catch(() => ({ body: '' }));
      for (const view of viewsOf(body, namespace)) {
        if (!view.primary || view.view <= highest) continue;
        highest = view.view;
        found = node;
      }
    }
    return found;
  });
}

export interface MeasuredReplica {
  readonly replica: string;
  readonly primary: boolean;
  readonly normal: boolean;
  readonly view: number;
  readonly head: number;
  readonly commit: number;
}

/** The replicas of a namespace on a node, according to its metrics. */
export async function replicasOn(node: NodeUnderTest, namespace = namespaceName): Promise<MeasuredReplica[]> {
  return viewsOf((await node.http('/metrics')).body, namespace);
}

function viewsOf(metrics: string, namespace: string): MeasuredReplica[] {
  const replicas = new Map<string, Map<string, number>>();
  for (const line of metrics.split('\n')) {
    const match = /^haret_replica_(\w+)\{namespace="([^"]*)",replica="([^"]*)"\} (\d+)$/.exec(line);
    if (match?.[2] !== namespace) continue;
    const of = replicas.get(match[3]!) ?? new Map<string, number>();
    replicas.set(match[3]!, of.set(match[1]!, Number(match[4])));
  }
  return [...replicas].map(([replica, of]) => ({
    replica,
    primary: of.get('primary') === 1,
    normal: of.get('normal') === 1,
    view: of.get('view') ?? 0,
    head: of.get('head') ?? 0,
    commit: of.get('commit') ?? 0,
  }));
}
