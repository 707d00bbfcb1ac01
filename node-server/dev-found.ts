/**
 * What `haret dev` makes of its three nodes once they run: one cluster with the namespace `test-ns`. It does not repeat
 * what is already done.
 */

import { HaretError } from '../core/base/errors.ts';
import type { AdminCommand, AdminResult } from '../core/wire/admin.ts';
import type { DevNode } from './dev-layout.ts';
import { devNamespace } from './dev-layout.ts';

/** Asks one node's admin interface. @throws {@link HaretError} */
export type AskAdmin = (command: AdminCommand) => Promise<AdminResult>;

const retryMs = 100;
const foundTimeoutMs = 30_000;

/** @throws Error or {@link HaretError} when this cannot be reached within half a minute. */
export async function foundCluster(
  nodes: readonly DevNode[],
  ask: AskAdmin,
  say: (line: string) => void,
): Promise<void> {
  const deadline = performance.now() + foundTimeoutMs;
  const [, ...others] = nodes;
  for (const node of others) {
    const joined = await retried(deadline, async () => {
      // We ask before each attempt: an earlier one may have succeeded although its answer was lost.
      if ((await membersOf(ask)).includes(node.name)) return false;
      await ask({ kind: 'clusterJoin', node: node.name, address: node.cluster });
      return true;
    });
    if (joined) say(`${node.name} joined`);
  }
  if (!(await retried(deadline, () => namespacesOf(ask))).includes(devNamespace)) {
    await retried(deadline, () => createNamespace(nodes, ask));
    say(`namespace ${devNamespace} created`);
  }
  await retried(deadline, async () => {
    const result = await ask({ kind: 'primary', namespace: devNamespace });
    if (result.kind !== 'primary' || result.primary === null) throw new Error(`${devNamespace} has no primary`);
    say(`primary of ${devNamespace}: ${result.primary}`);
  });
}

async function membersOf(ask: AskAdmin): Promise<readonly string[]> {
  const result = await ask({ kind: 'clusterStatus' });
  if (result.kind !== 'clusterStatus') throw new Error(`clusterStatus was answered by ${result.kind}`);
  return result.cluster === null ? [] : result.members.map(({ node }) => node);
}

async function namespacesOf(ask: AskAdmin): Promise<readonly string[]> {
  const result = await ask({ kind: 'namespaces' });
  if (result.kind !== 'namespaces') throw new Error(`namespaces was answered by ${result.kind}`);
  return result.namespaces.map(({ namespace }) => namespace);
}

async function createNamespace(nodes: readonly DevNode[], ask: AskAdmin): Promise<void> {
  const replicas = nodes.map(({ name, replica, cluster }) => ({ replica, node: name, address: cluster }));
  try {
    await ask({ kind: 'createNamespace', namespace: devNamespace, replicas, allowSmall: false });
  } catch (error) {
    // An earlier attempt may have succeeded although its answer was lost.
    if (!(error instanceof HaretError) || error.code !== 'NamespaceExists') throw error;
  }
}

/** Nodes that have just started do not know each other yet, so we try again when they refuse for now. */
async function retried<T>(deadline: number, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const final = error instanceof HaretError && !error.retryable;
      if (final || performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}
