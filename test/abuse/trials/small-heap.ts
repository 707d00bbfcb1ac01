/** Plain small puts fill the memory of all nodes. */

import { namespaceName } from '../../stage/stage.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { within } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { Raw } from '../tools/raw.ts';
import type { SimpleOperation } from '../../../core/tree/operation.ts';

/** Little, so that it is full soon. */
const heapMiB = 36;
const most = 1_500_000;
const perTransaction = 1000;
const lastsMs = 20_000;

export const trial = trialOf({
  name: 'small-heap',
  sentence: `With a heap of ${heapMiB} MB, nodes take small keys until they refuse more with MemoryLow, and go on: none ends, and each can be started again.`,
  short: false,
  judgesLoad: false,
  limitMs: 150_000,
  clue: /memory/i,
  async lay(stage) {
    const cluster = await stage.layOut(3);
    for (const node of cluster.nodes) node.flags = [`--max-old-space-size=${heapMiB}`];
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await cluster.found(namespaceName);
    return cluster;
  },
  async attack({ stage, cluster, nodes }) {
    const raw = await Raw.open(stage, (await primaryNode(cluster)).api);
    await raw.register();
    const value = new Uint8Array(16);
    let made = 0;
    let refused = '';
    const began = Date.now();
    for (let request = 1; made < most && refused === '' && Date.now() - began < lastsMs; request++) {
      const then = Array.from({ length: perTransaction }, (_, i): SimpleOperation => ({
        kind: 'create',
        path: `/heap/d${request}/k${i}`,
        type: 'blob',
        value,
      }));
      const transaction = { kind: 'transaction', guards: [], then, otherwise: [] } as const;
      const reply = await within('a put', 8000, raw.write(transaction, request)).catch(() => null);
      if (reply === null) refused = [...raw.words].at(-1) ?? `no answer (closed with ${raw.closed ?? 'nothing'})`;
      else if (reply.answer.kind !== 'result') refused = JSON.stringify(reply.answer);
      else made += perTransaction;
    }
    stage.step(`${made} keys were made, then: ${refused === '' ? 'no refusal' : refused}`);
    stage.noteRefusal(refused);
    stage.figures['keys'] = String(made);
    stage.demand(refused === '' || refused.includes('MemoryLow'), `the end of it is no MemoryLow: ${refused}`);
    for (const node of nodes) stage.demand(node.pid !== null, `${node.name} ended after ${made} keys`);
  },
  async after({ stage, nodes }) {
    stage.step('all nodes are killed and started with what they hold');
    await Promise.all(nodes.map((node) => node.kill()));
    for (const node of nodes) node.launch();
    const up = await Promise.allSettled(nodes.map((node) => node.untilHttp('/ready', 20_000)));
    for (const [i, { status }] of up.entries())
      stage.demand(status === 'fulfilled', `${nodes[i]!.name} does not start with what it holds: ${nodes[i]!.stderr}`);
  },
});
