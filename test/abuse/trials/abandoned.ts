/** Clients that ask much and go away before they have an answer. */

import { primaryNode } from '../../stage/tools/nodes.ts';
import { trialOf } from '../attack.ts';
import { memoryOf } from '../tools/lookout.ts';
import { Raw } from '../tools/raw.ts';

const idle = 12;
const sessionsEach = 1000;
const rounds = 60;
const requests = 1000;

export const trial = trialOf({
  name: 'abandoned',
  sentence: `There are ${idle * sessionsEach} sessions, and ${rounds} connections to a backup ask ${requests} writes each and go: nothing of them stays.`,
  short: false,
  memoryMiB: 320,
  clue: null,
  async prepare({ stage, cluster }) {
    const { api } = await primaryNode(cluster);
    for (let i = 0; i < idle; i++) {
      const raw = await Raw.open(stage, api);
      const { namespaceId } = raw;
      const ids = Array.from({ length: sessionsEach }, () => raw.nextId());
      const answers = ids.map((id) => raw.answerTo(id));
      raw.say(ids.map((id) => ({ kind: 'register', id, namespaceId, client: 'idle', secret: null })));
      await Promise.all(answers);
      if (raw.errors > 0) throw new Error([...raw.words].join('; '));
    }
  },
  async attack({ stage, cluster, nodes }) {
    const primary = await primaryNode(cluster);
    const backup = nodes.find((node) => node !== primary)!;
    const before = memoryOf(backup)!.now;
    for (let round = 0; round < rounds; round++) {
      const raw = await Raw.open(stage, backup.api);
      await raw.register();
      const operation = { kind: 'create', path: `/gone/r${round}`, type: 'counter', value: null } as const;
      raw.say(Array.from({ length: requests }, (_, i) => raw.writeMessage(operation, i + 1, 1)));
      raw.close();
    }
    const outstanding = await backup.metric('haret_forwarded_outstanding');
    stage.step(
      `${rounds} connections went away; ${outstanding ?? '?'} forwards are outstanding at ${backup.name}, which took ${before.toFixed(0)} MiB before and takes ${memoryOf(backup)?.now.toFixed(0) ?? '?'}`,
    );
  },
  async after({ stage, nodes }) {
    for (const node of nodes) {
      const outstanding = await node.metric('haret_forwarded_outstanding');
      stage.demand((outstanding ?? 0) < 50, `${node.name} still counts ${outstanding ?? '?'} forwards as outstanding`);
    }
  },
});
