/** Clients whose first address is a node that knows nothing, or a node whose root replica does not serve. */

import { text } from '../../../browser-client/index.ts';
import { run } from '../../integration/programs.ts';
import { namespaceName } from '../../stage/stage.ts';
import { batchesOf, destroy } from '../../stage/tools/log-files.ts';
import { healthOf, startAnyhow } from '../../stage/tools/nodes.ts';
import { CutCluster } from '../../stage/tools/proxy.ts';
import { comes } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

const limitMs = 20_000;

export const trial = {
  name: 'astray',
  sentence:
    'A client whose first address is a node that was never joined, or a founder that is cut off, gets to the namespace by its other addresses, and is never told for good that there is no such namespace.',
  short: false,
  limitMs: 240_000,
  async play(stage) {
    const cut = await CutCluster.start(stage, 4);
    const { cluster } = cut;
    const blank = (await stage.layOut(1)).node(0);
    await blank.start();
    const [founder, second, third, fourth] = cluster.nodes;
    let came = 0;
    const comeBy = async (first: typeof blank, words: string): Promise<void> => {
      const astray = await stage.client([first, second!, third!], { callTimeoutMs: limitMs });
      const path = `/by-${came++}`;
      try {
        await astray.namespace(namespaceName).blob(path, text).put('x');
        stage.acknowledged++;
        stage.step(`a client that came by ${words} has written`);
      } catch (error) {
        stage.refused(error);
        stage.fault(`a client whose first address is ${words} does not get to the others`);
      }
      await astray.close();
    };
    stage.step(`a blank node runs at ${blank.api}`);
    await comeBy(blank, 'a node that was never joined');
    const alone = await run('haret-cli-client', [
      blank.api,
      '--ns',
      namespaceName,
      '--timeout',
      '2s',
      '--json',
      '-e',
      'ls',
    ]);
    stage.noteRefusal((alone.stdout + alone.stderr).trim());
    stage.demand(
      !/UnknownNamespace.*definite/.test(alone.stdout + alone.stderr),
      'a blank node says for good that the namespace is unknown',
    );
    cut.cutOff('silent', founder!);
    stage.step('the founder, which has the root group’s only voter, is cut off');
    await comeBy(founder!, 'a founder that is cut off');
    await comeBy(fourth!, 'a node without a replica, while the founder is cut off');
    cut.heal();

    await founder!.kill();
    const batches = batchesOf(founder!.dataDirectory);
    const last = batches.findLastIndex(({ parts }) =>
      parts.some((part) => part.kind === 'change' && part.namespace === 0),
    );
    for (const batch of batches.slice(last + 1, last + 3)) destroy(batch);
    await startAnyhow([founder!]);
    stage.step(
      `the two batches of the founder after the last of its root group are unreadable; it says: ${await healthOf(founder!)}`,
    );
    await comeBy(founder!, 'a founder whose root replica does not serve');
    const enters = await comes(30_000, async () => {
      const args = [founder!.api, '--ns', namespaceName, '--timeout', '8s', '-e', 'ls'];
      const only = await run('haret-cli-client', args);
      if (only.status !== 0) stage.noteRefusal(only.stderr);
      return only.status === 0;
    });
    stage.demand(
      enters,
      'a client that knows only that founder cannot enter, though every other node knows the namespace',
    );
    const haret = await stage.client(cluster.nodes);
    for (let i = 0; i < came; i++) {
      if (await haret.namespace(namespaceName).blob(`/by-${i}`, text).exists()) stage.present++;
    }
    stage.demand(
      stage.present >= stage.acknowledged,
      `${stage.acknowledged} writes were acknowledged and ${stage.present} are there`,
    );
    await stage.judgeProcesses([...cluster.nodes, blank]);
  },
} as const satisfies Trial;
