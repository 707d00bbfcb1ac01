/** Requests that wait for one that never comes, as many as a node takes: at the primary and through a backup. */

import { namespaceName } from '../../stage/stage.ts';
import { primaryNode } from '../../stage/tools/nodes.ts';
import { text } from '../../../browser-client/index.ts';
import { wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { Raw } from '../tools/raw.ts';

const connections = 3;
/** As many as one session may have outstanding. */
const numbers = 4095;
const puts = 500;
const lastsMs = 10_000;
/** They are given up after some seconds, and asked again. */
const againMs = 5000;

export const trial = trialOf({
  name: 'gaps',
  sentence: `${connections} connections at the primary and at a backup ask ${numbers} writes each behind a number that never comes, again and again: all others are served as before.`,
  short: false,
  clue: null,
  async attack({ stage, cluster, nodes }) {
    const primary = await primaryNode(cluster);
    const backup = nodes.find((node) => node !== primary)!;
    const operation = { kind: 'exists', path: '/' } as const;
    const raws: Raw[] = [];
    for (const node of [primary, backup])
      for (let i = 0; i < connections; i++) {
        const raw = await Raw.open(stage, node.api);
        await raw.register();
        raws.push(raw);
      }
    const haret = await stage.client([backup]);
    const namespace = haret.namespace(namespaceName);
    const end = Date.now() + lastsMs;
    let refused = 0;
    while (Date.now() < end) {
      for (const raw of raws) raw.say(Array.from({ length: numbers }, (_, i) => raw.writeMessage(operation, i + 2, 1)));
      const until = Date.now() + againMs;
      const done = await Promise.allSettled(
        Array.from({ length: puts }, (_, i) => namespace.blob(`/modest${i % 10}`, text).put(String(i))),
      );
      for (const one of done)
        if (one.status === 'rejected') {
          refused++;
          stage.refused(one.reason);
        }
      await wait(Math.max(0, until - Date.now()));
    }
    const asked = raws.reduce((sum, raw) => sum + raw.answers, 0);
    stage.step(`${asked} requests behind gaps ended; the others' puts were refused ${refused} times`);
    stage.demand(refused === 0, `${refused} puts of a client that waits for nothing were refused`);
    await haret.close();
  },
});
