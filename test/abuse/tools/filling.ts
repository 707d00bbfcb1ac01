/** Fills the namespace of a trial. */

import { bytes } from '../../../browser-client/index.ts';
import type { Operation, SimpleOperation } from '../../../core/tree/operation.ts';
import { utf8 } from '../../../core/base/utf8.ts';
import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { namespaceName } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { Raw } from './raw.ts';

/** Operations of one transaction: at most as many as a node allows. */
const perTransaction = 1000;
type Cluster = Parameters<typeof primaryNode>[0];

/** Does all operations, many in a transaction, at the node of the primary. */
export async function doAll(stage: Stage, cluster: Cluster, operations: readonly SimpleOperation[]): Promise<void> {
  const raw = await Raw.open(stage, (await primaryNode(cluster)).api);
  await raw.register();
  let request = 1;
  for (let at = 0; at < operations.length; at += perTransaction) {
    const then = operations.slice(at, at + perTransaction);
    const transaction: Operation = { kind: 'transaction', guards: [], then, otherwise: [] };
    const reply = await raw.write(transaction, request++);
    if (reply?.answer.kind !== 'result') throw new Error(`cannot fill: ${JSON.stringify(reply)} ${[...raw.words][0]}`);
  }
  raw.close();
}

/** Puts nearly a mebibyte at `/large`, with room for what is around it in a reply. */
export async function putLarge(stage: Stage, nodes: readonly NodeUnderTest[]): Promise<void> {
  const haret = await stage.client(nodes);
  const value = new Uint8Array(1024 * 1024 - 200);
  await haret.namespace(namespaceName).blob('/large', bytes).put(value);
  await haret.close();
}

/** Makes `count` small blobs below `directory`. */
export async function makeKeys(
  stage: Stage,
  cluster: Cluster,
  directory: string,
  count: number,
  valueBytes = 16,
): Promise<void> {
  const value = new Uint8Array(valueBytes);
  const make = (i: number): SimpleOperation => ({
    kind: 'create',
    path: `${directory}/d${Math.floor(i / 1000)}/k${i}`,
    type: 'blob',
    value,
  });
  await doAll(
    stage,
    cluster,
    Array.from({ length: count }, (_, i) => make(i)),
  );
}

/** A set with so many members. */
export async function makeSet(stage: Stage, cluster: Cluster, path: string, count: number): Promise<void> {
  const insert = (i: number): SimpleOperation => ({ kind: 'setInsert', path, member: utf8(`m${i}`) });
  await doAll(stage, cluster, [
    { kind: 'create', path, type: 'set', value: null },
    ...Array.from({ length: count }, (_, i) => insert(i)),
  ]);
}

/** The highest view of the namespace that any of these nodes knows. */
export async function viewOf(nodes: readonly NodeUnderTest[], namespace: string): Promise<number> {
  let view = 0;
  for (const node of nodes) {
    if (node.pid === null) continue;
    const { body } = await node.http('/metrics').catch(() => ({ body: '' }));
    for (const match of body.matchAll(/^haret_replica_view\{namespace="([^"]*)",[^}]*\} (\d+)$/gm))
      if (match[1] === namespace) view = Math.max(view, Number(match[2]));
  }
  return view;
}
