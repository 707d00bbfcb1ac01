/** Watches that nobody reads hold on to what the tree was when they began. */

import { bytes } from '../../../browser-client/index.ts';
import { namespaceName } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { trialOf } from '../attack.ts';
import { Raw } from '../tools/raw.ts';

const keys = 40;
const valueBytes = 500_000;
const rounds = 12;

async function writeAll(stage: Stage, nodes: readonly NodeUnderTest[], round: number): Promise<void> {
  const haret = await stage.client(nodes);
  const namespace = haret.namespace(namespaceName);
  const value = new Uint8Array(valueBytes).fill(round);
  await Promise.all(Array.from({ length: keys }, (_, i) => namespace.blob(`/large/k${i}`, bytes).put(value)));
  await haret.close();
}

export const trial = trialOf({
  name: 'unread-watches',
  sentence: `${rounds} watches begin with a snapshot of 20 MB that nobody reads, and each time all of it is put anew: old states are kept within a bound.`,
  short: false,
  clue: /does not read|slow|watch|memory/i,
  memoryMiB: 240,
  prepare: ({ stage, nodes }) => writeAll(stage, nodes, 0),
  async attack({ stage, nodes, afterwards }) {
    for (let round = 1; round <= rounds; round++) {
      const raw = await Raw.open(stage, nodes[1]!.api);
      const { namespaceId } = raw;
      raw.pause();
      raw.say([
        {
          kind: 'watch',
          id: raw.nextId(),
          namespaceId,
          path: '/large',
          subtree: true,
          from: { kind: 'snapshot' },
          values: true,
          oneshot: false,
          slow: 'reset',
          consistency: { kind: 'local' },
        },
      ]);
      afterwards(() => raw.close());
      await writeAll(stage, nodes, round);
    }
    stage.step(`${rounds} watches have been left unread, and ${rounds * 20} MB were put meanwhile`);
  },
});
