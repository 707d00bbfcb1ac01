/** A write is executed, its answer is lost, and it is sent again to nodes that cannot or will not take it. */

import { bytes } from '../../../browser-client/index.ts';
import { eventually } from '../../integration/cluster-process.ts';
import { namespaceName, shown } from '../../stage/stage.ts';
import { primaryNode, startAnyhow } from '../../stage/tools/nodes.ts';
import { Proxy } from '../../stage/tools/proxy.ts';
import { ThinConnection, errorOf, register, request, resume } from '../../stage/tools/thin.ts';
import type { Trial } from '../../stage/trial.ts';

/** More than any disk has, so a node refuses writes that add data as soon as it is primary. */
const noRoom = 'disk_reserve_bytes = 1099511627776';
const push = { kind: 'queuePush', path: '/q', value: new Uint8Array([1]) };

export const trial = {
  name: 'definite',
  sentence:
    'A write was executed and its answer was lost. It is sent again to nodes with a full disk, without a primary and with one: the kept reply comes before any other judgement, the package’s client reports no definite failure, and the write happened once.',
  short: false,
  limitMs: 180_000,
  async play(stage) {
    const cluster = await stage.cluster(3);
    const primary = await primaryNode(cluster);
    const others = cluster.nodes.filter((node) => node !== primary);
    // At their next start, the others get a disk without room.
    for (const node of others) {
      await node.stop();
      node.configure(noRoom);
      await startAnyhow([node]);
      await node.untilHttp('/ready');
    }
    const haret = await stage.client(cluster.nodes);
    const queue = haret.namespace(namespaceName).queue('/q', bytes);
    await eventually('a queue', () =>
      queue.create().then(
        () => true,
        () => null,
      ),
    );
    const now = await primaryNode(cluster);
    if (now !== primary) throw new Error(`${primary.name} is not primary any more`);

    const [proxy, answerless] = [await Proxy.before(stage, primary.api), await Proxy.before(stage, primary.api)];
    const thin = await ThinConnection.open(stage, proxy.address);
    const namespaceId = await thin.enter();
    const credentials = await register(thin, namespaceId);
    proxy.cut(() => 'answers');
    stage.step('answers to the client are lost from now on; it pushes one item');
    void thin.send(request(namespaceId, credentials, 1, push));
    // The package's client does the same in the same way, and can go to the other nodes.
    const sdk = await stage.client(cluster.nodes, {
      urls: [answerless.address, ...others.map(({ api }) => api)],
      followRedirects: false,
      callTimeoutMs: 60_000,
    });
    const theirs = sdk.namespace(namespaceName).queue('/q', bytes);
    await theirs.push(new Uint8Array([2]));
    answerless.cut(() => 'answers');
    const pushed = theirs.push(new Uint8Array([3])).then(
      () => 'done' as const,
      (error: unknown) => stage.refused(error)?.outcome ?? 'unknown',
    );
    await eventually('the execution', async () => ((await queue.length({ timeoutMs: 4000 })) === 3 ? true : null));
    stage.step('the pushes were executed');
    thin.close();
    const again = async (node: (typeof cluster.nodes)[0], words: string): Promise<boolean> => {
      try {
        const connection = await ThinConnection.open(stage, node.api);
        await connection.enter();
        resume(connection, namespaceId, credentials);
        const heard = await connection.ask(request(namespaceId, credentials, 1, push), 8000);
        connection.close();
        const error = errorOf(heard);
        stage.step(`${words}, ${node.name} says: ${shown(JSON.stringify(error ?? heard))}`);
        if (error === null) return heard.reply?.answer.kind === 'result';
        stage.noteRefusal(`${error.code} (${error.outcome}): ${error.message}`);
      } catch (error) {
        stage.step(
          `${words}, ${node.name} says nothing: ${shown(error instanceof Error ? error.message : String(error))}`,
        );
      }
      return false;
    };
    await primary.kill();
    const [second, third] = others as [(typeof others)[0], (typeof others)[0]];
    await again(second, 'while nodes elect');
    await primaryNode(cluster);
    let replied = false;
    for (const node of others) replied = (await again(node, 'with a primary whose disk is full')) || replied;
    stage.demand(replied, 'a primary with a full disk does not give the reply that it has kept');
    await third.kill();
    await again(second, 'without a quorum');
    await startAnyhow([primary, third]);
    await primaryNode(cluster);
    stage.demand(await again(primary, 'when all are back'), 'the reply comes when all are back');
    const length = await eventually('a read', () => queue.length({ timeoutMs: 4000 }));
    const told = await pushed;
    stage.step(`the package's client was told: ${told}`);
    stage.demand(told !== 'definite', 'the package’s client reports a definite failure of a write that was executed');
    stage.acknowledged = 3;
    stage.present = length;
    stage.demand(length === 3, `three pushes were made, and ${length} items are there`);
  },
} as const satisfies Trial;
