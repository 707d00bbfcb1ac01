/** Sectors go bad where a replica took over a view's log in place of its own. */

import { text } from '../../../browser-client/index.ts';
import { eventually } from '../../integration/cluster-process.ts';
import { namespaceName } from '../../stage/stage.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import { batchesOf, destroy } from '../../stage/tools/log-files.ts';
import type { Batch } from '../../stage/tools/log-files.ts';
import { primaryNode, recover, startAnyhow } from '../../stage/tools/nodes.ts';
import { comes } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

const unheard = 6;

function installs({ parts }: Batch, replica: string): boolean {
  return parts.some(
    (part) => part.kind === 'change' && part.namespace !== 0 && part.replica === replica && part.installs,
  );
}

export const trial = {
  name: 'two-bad-batches',
  sentence:
    "Two adjacent batches of a node are unreadable. In the first, the node took over a view's log in place of entries that no other node had. Then others crash: nothing acknowledged is lost, and no healthy replica stops.",
  short: false,
  limitMs: 240_000,
  async play(stage) {
    const cluster = await stage.cluster(3);
    const ledger = new Ledger(stage);
    const haret = await stage.client(cluster.nodes);
    const namespace = haret.namespace(namespaceName);
    await ledger.writeMany(namespace, 20);
    const hurt = await primaryNode(cluster);
    const replica = `r${cluster.nodes.indexOf(hurt) + 1}`;
    const others = cluster.nodes.filter((node) => node !== hurt);
    const alone = await stage.client([hurt], { followRedirects: false });
    await alone.namespace(namespaceName).blob('/before', text).put('a session');
    await Promise.all(others.map((node) => node.kill()));
    const sent = Array.from({ length: unheard }, (_, i) =>
      alone.namespace(namespaceName).blob(`/unheard${i}`, text).create('x', { timeoutMs: 700 }),
    );
    const answers = await Promise.allSettled(sent);
    for (const answer of answers) if (answer.status === 'rejected') stage.refused(answer.reason);
    stage.demand(
      answers.every(({ status }) => status === 'rejected'),
      'a primary alone acknowledges nothing',
    );
    stage.step(`${hurt.name} logged up to ${unheard} writes that no other node has; it is killed, the others go on`);
    await hurt.kill();
    await alone.close();
    await Promise.all(others.map((node) => node.start()));
    await primaryNode(cluster);
    await ledger.writeMany(namespace, 10);
    const before = batchesOf(hurt.dataDirectory).at(-1)!.head.sequence;
    await startAnyhow([hurt]);
    await recover(stage, [hurt], 40_000);
    const installed = await eventually('the installation in the log', () =>
      Promise.resolve(
        batchesOf(hurt.dataDirectory).find((batch) => batch.head.sequence > before && installs(batch, replica)) ?? null,
      ),
    );
    for (let i = 0; i < 4; i++) await ledger.write(namespace);
    await eventually('batches after it', () =>
      Promise.resolve(batchesOf(hurt.dataDirectory).at(-1)!.head.sequence > installed.head.sequence + 4 ? true : null),
    );
    await hurt.kill();
    const bad = batchesOf(hurt.dataDirectory).filter(
      ({ head }) => head.sequence === installed.head.sequence || head.sequence === installed.head.sequence + 1,
    );
    for (const batch of bad) destroy(batch);
    stage.step(
      `${hurt.name} took over the others' log; the ${bad.length} batches from there on are unreadable, and it starts`,
    );
    await startAnyhow([hurt]);
    const well = await comes(15_000, async () => (await hurt.http('/health')).body === '{"ok":true,"problems":[]}\n');
    stage.step(well ? `${hurt.name} says that it is well again` : `${hurt.name} is not well in 15 s`);
    stage.demand(well, `${hurt.name} does not get well while the others have everything`);
    await ledger.checkEach([hurt]);
    if (!well) return stage.judgeProcesses(cluster.nodes);
    for (const gone of others) {
      stage.step(`${gone.name} crashes`);
      await gone.kill();
      const rest = cluster.nodes.filter((node) => node !== gone);
      await ledger.write(namespace);
      await ledger.contradicted(rest, 8000);
      await startAnyhow([gone]);
      await recover(stage, cluster.nodes, 40_000);
    }
    await ledger.check(cluster.nodes);
    await ledger.checkEach(cluster.nodes);
    await stage.judgeProcesses(cluster.nodes);
  },
} as const satisfies Trial;
