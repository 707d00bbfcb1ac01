/** All nodes share one power line, and the power fails again while they start. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { floorFile } from '../../../core/store/format.ts';
import { eventually } from '../../integration/cluster-process.ts';
import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { namespaceName } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import { batchesOf, eraseBehind, tear, tearNext } from '../../stage/tools/log-files.ts';
import { recover, startAnyhow } from '../../stage/tools/nodes.ts';
import type { Trial } from '../../stage/trial.ts';

const groups = 24;
const rounds = 2;

export const trial = {
  name: 'cuts-in-a-row',
  sentence:
    'The power fails several times in a row, first within a batch and then each time within the opening batch of the next start, on one node and then on all at once, with whole disks. Everything is there, without an operator.',
  short: false,
  limitMs: 240_000,
  async play(stage) {
    const cluster = await stage.cluster(3);
    // With this many groups, the state in an opening batch is longer than a sector, and so can be torn.
    const [first] = cluster.nodes;
    const places = cluster.nodes.map((node, i) => `r${i + 1}::${node.name}@${node.cluster}`).join(',');
    const creations = Array.from({ length: groups }, (_, i) => `vr create namespace more-${i} ${places}`);
    const made = await first!.adminRun(...creations);
    stage.demand(made.status === 0, `namespaces are made: ${made.stderr}`);
    await Promise.all(cluster.nodes.map((node) => node.untilHttp('/ready')));
    const ledger = new Ledger(stage);
    const haret = await stage.client(cluster.nodes);
    await ledger.writeMany(haret.namespace(namespaceName), 60);
    for (const [words, cut] of [
      ['one node', [cluster.node(2)]],
      ['all nodes', cluster.nodes],
    ] as const) {
      stage.step(`the power fails for all, and again and again for ${words}`);
      await Promise.all(cluster.nodes.map((node) => node.kill()));
      for (const node of cut) await cutInARow(stage, node);
      await startAnyhow(cluster.nodes);
      const back = await recover(stage, cluster.nodes, 40_000);
      if (back) stage.step('all nodes are ready again');
      await ledger.check(cluster.nodes);
      if (!back) return;
      await ledger.writeMany(haret.namespace(namespaceName), 20);
    }
    await ledger.check(cluster.nodes);
    await stage.judgeProcesses(cluster.nodes);
  },
} as const satisfies Trial;

/** The node starts alone, so that no other hears of what the cut then takes back. */
async function cutInARow(stage: Stage, node: NodeUnderTest): Promise<void> {
  tearNext(node.dataDirectory);
  for (let round = 1; round <= rounds; round++) {
    const before = batchesOf(node.dataDirectory).at(-1)!.head.sequence;
    // The floor is written after the opening batch, so a cut within that batch leaves the floor as it was.
    const floor = readFileSync(join(node.dataDirectory, floorFile));
    node.launch();
    const opening = await eventually('the opening batch', () => {
      if (node.pid === null) throw new Error(`${node.name} ended: ${node.stderr}`);
      const found = batchesOf(node.dataDirectory).find(
        (batch) => batch.opening && batch.whole && batch.head.sequence > before,
      );
      return Promise.resolve(found ?? null);
    });
    await node.kill();
    eraseBehind(node.dataDirectory, opening);
    const torn = tear(opening);
    writeFileSync(join(node.dataDirectory, floorFile), floor);
    stage.step(
      `${node.name}: cut ${round + 1} tore the opening batch ${opening.head.sequence} (${opening.end - opening.head.offset} bytes)`,
    );
    stage.demand(torn, 'an opening batch is longer than a sector');
  }
}
