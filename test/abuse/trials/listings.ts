/** Questions that are answered at once are counted as well. */

import { comes } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';
import { Raw } from '../tools/raw.ts';

const namespaces = 40;
const frames = 4;
const questions = 60_000;

export const trial = trialOf({
  name: 'listings',
  sentence: `${frames * questions} times somebody asks for the names of all namespaces, in ${frames} frames, and reads nothing: that connection is closed.`,
  short: false,
  clue: /does not read|slow/i,
  async prepare({ nodes }) {
    const places = nodes.map((node, i) => `r${i + 1}::${node.name}@${node.cluster}`).join(',');
    const name = (i: number): string => `namespace-with-a-rather-long-name-that-takes-room-${i}`;
    const { status, stderr } = await nodes[0]!.adminRun(
      ...Array.from({ length: namespaces }, (_, i) => `vr create namespace ${name(i)} ${places}`),
    );
    if (status !== 0) throw new Error(stderr);
  },
  async attack({ stage, nodes }) {
    const raw = await Raw.open(stage, nodes[1]!.api);
    raw.pause();
    let bytes = 0;
    for (let i = 0; i < frames; i++) {
      bytes += raw.say(Array.from({ length: questions }, () => ({ kind: 'listNamespaces', id: raw.nextId() })));
    }
    stage.step(`${bytes} bytes ask for ${frames * questions} lists of ${namespaces} names`);
    await comes(8000, async () => ((await nodes[1]!.metric('haret_api_refused_total')) ?? 0) > 0);
    raw.resume();
    await comes(4000, () => Promise.resolve(raw.closed !== null));
    stage.demand(raw.closed !== null, 'a connection that asks for gigabytes and reads nothing stays');
  },
});
