/** Clients that ask much and go away before they have an answer, or that can never have one. */

import { decodeReply } from '../../../core/service/reply.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import type { Stage } from '../../stage/stage.ts';
import { wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { memoryOf } from '../tools/lookout.ts';
import { Raw } from '../tools/raw.ts';

const holders = 10;
const sessionsEach = 1000;
const rounds = 40;
const requests = 1000;
const gapped = 4;
/** Numbers that wait for the first one, which never comes. */
const gaps = 2500;

/** A connection with many sessions, each of which has written once. */
async function holder(stage: Stage, api: string): Promise<void> {
  const raw = await Raw.open(stage, api);
  const { namespaceId } = raw;
  const all = async (ids: readonly number[], say: () => void): Promise<(number | null)[]> => {
    const answers = ids.map((id) => raw.answerTo(id));
    say();
    return (await Promise.all(answers)).map((said) => {
      const answer = said?.kind === 'reply' ? decodeReply(said.reply).answer : null;
      return answer?.kind === 'registered' ? answer.session : null;
    });
  };
  const ids = Array.from({ length: sessionsEach }, () => raw.nextId());
  const sessions = await all(ids, () =>
    raw.say(ids.map((id) => ({ kind: 'register', id, namespaceId, client: 'idle', secret: null }))),
  );
  if (raw.errors > 0) throw new Error([...raw.words].join('; '));
  const operation = { kind: 'exists', path: '/' } as const;
  const messages = sessions.map((session) => raw.writeMessage(operation, 1, 1, session ?? 0));
  await all(
    messages.map((message) => ('id' in message ? message.id : 0)),
    () => raw.say(messages),
  );
}

export const trial = trialOf({
  name: 'abandoned',
  sentence: `There are ${holders * sessionsEach} sessions. ${rounds} connections to a backup ask ${requests} writes each and go, and ${gapped * gaps} requests wait for one that never comes: nobody notices, and nothing of them stays.`,
  short: false,
  memoryMiB: 320,
  clue: null,
  async prepare({ stage, cluster }) {
    const { api } = await primaryNode(cluster);
    for (let i = 0; i < holders; i++) await holder(stage, api);
  },
  async attack({ stage, cluster, nodes }) {
    const primary = await primaryNode(cluster);
    const backup = nodes.find((node) => node !== primary)!;
    const before = memoryOf(backup)!.now;
    const operation = { kind: 'exists', path: '/' } as const;
    for (let i = 0; i < gapped; i++) {
      const raw = await Raw.open(stage, primary.api);
      await raw.register();
      raw.say(Array.from({ length: gaps }, (_, at) => raw.writeMessage(operation, at + 2, 1)));
    }
    for (let round = 0; round < rounds; round++) {
      const raw = await Raw.open(stage, backup.api);
      await raw.register();
      raw.say(Array.from({ length: requests }, (_, i) => raw.writeMessage(operation, i + 1, 1)));
      raw.close();
    }
    const outstanding = await backup.metric('haret_forwarded_outstanding');
    stage.step(
      `${rounds} connections went away; ${outstanding ?? '?'} forwards are outstanding at ${backup.name}, which took ${before.toFixed(0)} MiB before and takes ${memoryOf(backup)?.now.toFixed(0) ?? '?'}`,
    );
    // What waits for nothing is given up after some seconds.
    await wait(8000);
  },
  async after({ stage, nodes }) {
    for (const node of nodes) {
      const outstanding = await node.metric('haret_forwarded_outstanding');
      stage.demand((outstanding ?? 0) < 50, `${node.name} still counts ${outstanding ?? '?'} forwards as outstanding`);
    }
  },
});
