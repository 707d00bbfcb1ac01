/** A small frame of reads that each walk through the whole tree. */

import { namespaceName } from '../../stage/stage.ts';
import { comes } from '../../stage/tools/waiting.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { trialOf } from '../attack.ts';
import { makeKeys, viewOf } from '../tools/filling.ts';
import { Raw } from '../tools/raw.ts';

const keys = 50_000;
const reads = 600;

export const trial = trialOf({
  name: 'largest',
  sentence: `One frame asks the primary ${reads} times for the largest of ${keys} keys: others are served in between, and it stays primary.`,
  short: false,
  clue: null,
  async prepare({ stage, cluster }) {
    await makeKeys(stage, cluster, '/many', keys);
  },
  async attack({ stage, cluster, nodes }) {
    const view = await viewOf(nodes, namespaceName);
    const raw = await Raw.open(stage, (await primaryNode(cluster)).api);
    const began = performance.now();
    const answered = raw.answers;
    const bytes = raw.say(
      Array.from({ length: reads }, () => raw.readMessage({ kind: 'largest', path: '/', limit: 100 })),
    );
    await comes(20_000, () => Promise.resolve(raw.answers >= answered + reads || raw.closed !== null));
    stage.step(
      `a frame of ${bytes} bytes: ${raw.answers - answered} answers after ${(performance.now() - began).toFixed(0)} ms, ${raw.errors} of them refusals`,
    );
    for (const words of raw.words) stage.noteRefusal(words);
    const after = await viewOf(nodes, namespaceName);
    stage.demand(after === view, `the group went from view ${view} to ${after}`);
  },
});
