/** The founder is away, and with it the quorum of somebody's namespace. */

import { namespaceName } from '../../stage/stage.ts';
import { wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';

export const trial = trialOf({
  name: 'founder-down',
  sentence:
    'The founder is away, and with it two of three voters of a namespace that nobody else uses: the other nodes are ready for their clients, and say what does not work.',
  short: false,
  graceMs: 4000,
  clue: /lonely/,
  async prepare({ nodes }) {
    const [first, second] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    const at = (node: typeof first): string => `${node.name}@${node.cluster}`;
    const { status, stderr } = await first.adminRun(
      `vr create namespace lonely r1::${at(first)},r2::${at(first)},r3::${at(second)}`,
    );
    if (status !== 0) throw new Error(stderr);
    await second.untilHttp('/ready');
  },
  async attack({ stage, nodes, touches, afterwards }) {
    const [founder, ...others] = nodes as [(typeof nodes)[0], ...typeof nodes];
    touches(founder);
    await founder.kill();
    afterwards(() => founder.start());
    await wait(6000);
    for (const node of others) {
      const { status, body } = await node.http('/ready');
      stage.step(`${node.name}: /ready is ${status} ${body.trim()}`);
      stage.demand(status === 200, `${node.name} serves ${namespaceName} and is not ready: ${body.trim()}`);
    }
  },
});
