/** A node starts with a large state. */

import { primaryNode } from '../../stage/tools/nodes.ts';
import { comes, wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { makeKeys } from '../tools/filling.ts';

const keys = 300_000;
/** The issue of a second is what the node needs; a busy machine needs longer to start any process. */
const answersWithinMs = 2500;
const endsWithinMs = 2000;

export const trial = trialOf({
  name: 'slow-start',
  sentence: `A node starts with ${keys} keys: it answers /health soon and tells its progress, and SIGTERM ends it at once.`,
  short: false,
  limitMs: 180_000,
  memoryMiB: 700,
  clue: /starting|restor|replay|progress|entries/i,
  async prepare({ stage, cluster }) {
    await makeKeys(stage, cluster, '/many', keys, 32);
    stage.step(`${keys} keys are there`);
  },
  async attack({ stage, cluster, nodes, touches }) {
    const primary = await primaryNode(cluster);
    const node = nodes.find((one) => one !== primary)!;
    touches(node);
    await node.kill();
    let began = performance.now();
    node.launch();
    const answered = await comes(60_000, async () => (await node.http('/health')).status !== 0);
    const answersMs = performance.now() - began;
    stage.step(`${node.name} answers /health ${answersMs.toFixed(0)} ms after its start`);
    stage.figures['answers ms'] = answersMs.toFixed(0);
    stage.demand(
      answered && answersMs <= answersWithinMs,
      `${node.name} is deaf for ${answersMs.toFixed(0)} ms when it starts`,
    );
    await comes(60_000, async () => (await node.http('/ready')).status === 200);
    stage.step(`${node.name} is ready after ${(performance.now() - began).toFixed(0)} ms`);
    await node.kill();
    node.launch();
    await wait(1200);
    began = performance.now();
    node.signal('SIGTERM');
    const end = await node.ended();
    const endsMs = performance.now() - began;
    stage.step(`SIGTERM while it starts ends it after ${endsMs.toFixed(0)} ms with ${end.signal ?? end.status ?? '?'}`);
    stage.demand(endsMs <= endsWithinMs, `a starting node ends ${endsMs.toFixed(0)} ms after SIGTERM`);
    node.launch();
    await comes(60_000, async () => (await node.http('/ready')).status === 200);
  },
});
