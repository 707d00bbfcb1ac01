/** Reads and transactions whose work is the product of what they name. */

import { namespaceName } from '../../stage/stage.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { trialOf } from '../attack.ts';
import { makeSet, viewOf } from '../tools/filling.ts';
import { Raw } from '../tools/raw.ts';

const members = 4000;
const paths = Array.from({ length: 1023 }, () => '/s');

export const trial = trialOf({
  name: 'intersections',
  sentence: `A set of ${members} members is intersected with itself a thousand times, in a read and in a transaction: it is refused, or done without a pause.`,
  short: false,
  clue: null,
  async prepare({ stage, cluster }) {
    await makeSet(stage, cluster, '/s', members);
  },
  async attack({ stage, cluster, nodes }) {
    const view = await viewOf(nodes, namespaceName);
    const primary = await primaryNode(cluster);
    const backup = nodes.find((node) => node !== primary)!;
    const reader = await Raw.open(stage, backup.api);
    const operation = { kind: 'setIntersection', paths } as const;
    let began = performance.now();
    const read = await reader.read(operation).catch((error: unknown) => String(error));
    stage.step(`the read was answered after ${(performance.now() - began).toFixed(0)} ms: ${kindOf(read)}`);
    const writer = await Raw.open(stage, primary.api);
    await writer.register();
    began = performance.now();
    const reply = await writer
      .write({ kind: 'transaction', guards: [], then: [operation], otherwise: [] }, 1)
      .catch((error: unknown) => String(error));
    stage.step(`the transaction was answered after ${(performance.now() - began).toFixed(0)} ms: ${kindOf(reply)}`);
    for (const words of [...reader.words, ...writer.words]) stage.noteRefusal(words);
    const after = await viewOf(nodes, namespaceName);
    stage.demand(after === view, `the group went from view ${view} to ${after}`);
  },
});

function kindOf(answer: object | string | null): string {
  if (answer === null) return 'nothing';
  if (typeof answer === 'string') return answer;
  return 'kind' in answer ? String(answer.kind) : 'a reply';
}
