/** Numbered reads, whose replies every replica keeps for their sessions. */

import { comes } from '../../stage/tools/waiting.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { trialOf } from '../attack.ts';
import { putLarge } from '../tools/filling.ts';
import { Raw } from '../tools/raw.ts';

const sessions = 100;
const reads = 3;

export const trial = trialOf({
  name: 'kept-replies',
  sentence: `${sessions} sessions of one connection ask ${reads} numbered reads of a mebibyte each, and say that they have no answer yet: what all replicas keep for them has a bound.`,
  short: false,
  memoryMiB: 320,
  clue: /kept repl|keeps|memory/i,
  prepare: ({ stage, nodes }) => putLarge(stage, nodes),
  async attack({ stage, cluster }) {
    const raw = await Raw.open(stage, (await primaryNode(cluster)).api);
    let sent = 0;
    for (let i = 0; i < sessions && raw.closed === null; i++) {
      await raw.register();
      const operation = { kind: 'blobGet', path: '/large' } as const;
      const last = raw.answers + reads;
      sent += raw.say(Array.from({ length: reads }, (_, at) => raw.writeMessage(operation, at + 1, 1)));
      await comes(5000, () => Promise.resolve(raw.answers >= last || raw.closed !== null));
    }
    stage.step(`${sent} bytes of requests have ${raw.answers} answers, ${raw.errors} of them refusals`);
    for (const words of raw.words) stage.noteRefusal(words);
  },
});
