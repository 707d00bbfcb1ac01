/** What one client asks in order, without waiting. */

import { json } from '../../../browser-client/index.ts';
import { eventually } from '../../integration/cluster-process.ts';
import type { Trial } from '../../stage/trial.ts';

const namespaces = 6;
const keys = 6;
const puts = 6;

export const trial = {
  name: 'bursts',
  sentence:
    'Six puts of a key that does not exist yet, none of them awaited, end with the last one, in namespaces that were just made.',
  short: true,
  limitMs: 120_000,
  async play(stage) {
    const cluster = await stage.cluster(1);
    const node = cluster.node(0);
    const names = Array.from({ length: namespaces }, (_, i) => `fresh-${i}`);
    const made = await node.adminRun(
      ...names.map((name) => `vr create namespace ${name} r1::${node.name}@${node.cluster} --allow-small`),
    );
    stage.demand(made.status === 0, `namespaces are made: ${made.stderr}`);
    const wrong: string[] = [];
    for (const name of names) {
      const haret = await stage.client([node]);
      const namespace = haret.namespace(name);
      const other = namespace.blob('/other', json<number>());
      for (let key = 0; key < keys; key++) {
        const blob = namespace.blob(`/d${key}/k`, json<number>());
        const asked: Promise<unknown>[] = [];
        for (let i = 1; i <= puts; i++) {
          asked.push(blob.put(i));
          // Some all at once, and some while answers to the first come in, after as many reads of something else.
          if (i % 2 === 1) for (let reads = 0; reads < key; reads++) await other.exists({ read: 'local' });
        }
        const done = await Promise.allSettled(asked);
        for (const one of done) if (one.status === 'rejected') stage.refused(one.reason);
        stage.acknowledged += done.filter(({ status }) => status === 'fulfilled').length;
        const value = await eventually('a read', async () => (await blob.get()) ?? null);
        if (value === puts) stage.present += puts;
        else wrong.push(`${name}/d${key}/k holds put ${value}`);
      }
      await haret.close();
    }
    stage.step(`${namespaces * keys} keys, ${puts} puts each; ${wrong.length} keys do not hold the last`);
    stage.demand(
      wrong.length === 0,
      `${wrong.length} of ${namespaces * keys} keys do not hold the last of ${puts} puts: ${wrong.slice(0, 3).join('; ')}`,
    );
  },
} as const satisfies Trial;
