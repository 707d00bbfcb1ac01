/**
 * A watch over real processes and sockets. The node that serves it is killed again and again in the middle of a stream,
 * and at last all nodes at once. The stream has no gap and no repeat.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../../core/base/bytes.ts';
import { Client } from '../../core/client/client.ts';
import { PromiseClient } from '../../core/client/promises.ts';
import { binaryApi } from '../../core/wire/api-client-binary.ts';
import { textApi } from '../../core/wire/api-client-text.ts';
import type { ClientCodec } from '../../core/wire/api-client.ts';
import { NodeClock } from '../../node-server/node-clock.ts';
import { NodeRandom } from '../../node-server/node-random.ts';
import { WebSocketTransport } from '../../node-server/ws-transport.ts';
import { ClusterUnderTest, eventually } from './cluster-process.ts';
import { run } from './programs.ts';

let cluster: ClusterUnderTest;
const ends: (() => void)[] = [];

beforeAll(async () => {
  cluster = await ClusterUnderTest.start(3);
});

afterAll(async () => {
  for (const end of ends) end();
  await cluster.close();
});

async function connect(codec: ClientCodec): Promise<PromiseClient> {
  const engine = new Client(
    {
      transport: new WebSocketTransport({ maxFrameBytes: 4 * 1024 * 1024 }),
      clock: new NodeClock(),
      random: new NodeRandom(),
    },
    { addresses: cluster.nodes.map((node) => node.api), followRedirects: false, codec, requestTimeoutMs: 30_000 },
  );
  engine.start();
  const ticks = setInterval(() => engine.tick(), 10);
  ends.push(() => {
    clearInterval(ticks);
    engine.close();
  });
  const client = new PromiseClient(engine);
  await eventually('a namespace', async () => {
    await client.enter('test-ns');
    return true;
  });
  return client;
}

describe('a watch', () => {
  it.each([binaryApi, textApi])(
    'continues ($subprotocol) when the node that serves it is killed, and when all nodes are',
    async (codec) => {
      const path = `/stream-${codec.subprotocol}`;
      const writer = await connect(binaryApi);
      const watcher = await connect(codec);
      await writer.run({ kind: 'create', path, type: 'blob', value: utf8('0') });
      const seen: string[] = [];
      const ops: number[] = [];
      const abort = new AbortController();
      const watching = (async () => {
        for await (const told of watcher.watch(path, { from: 'snapshot', values: true, signal: abort.signal })) {
          if (told.kind !== 'event' && told.kind !== 'snapshot') continue;
          ops.push(told.op);
          for (const change of told.changes) seen.push(textOf(change.value!)!);
        }
      })();
      await eventually('the snapshot', () => Promise.resolve(seen.length > 0 ? true : null));

      let written = 0;
      const state = { writing: true };
      const stream = (async () => {
        while (state.writing) {
          const value = utf8(String(written + 1));
          await writer.run({ kind: 'blobPut', path, value, ifVersion: null, ifAbsent: false }, { timeoutMs: 30_000 });
          written++;
        }
      })();
      const goesOn = async (): Promise<void> => {
        const from = seen.length;
        await eventually('the stream to go on', () => Promise.resolve(seen.length > from + 20 ? true : null));
      };
      await goesOn();
      for (let i = 0; i < 2; i++) {
        const serving = cluster.nodes.find((node) => node.name === watcher.engine.server?.node);
        await serving!.kill();
        await goesOn();
        await serving!.start();
        await serving!.untilHttp('/ready');
      }
      await Promise.all(cluster.nodes.map((node) => node.kill()));
      await Promise.all(cluster.nodes.map((node) => node.start()));
      await goesOn();
      state.writing = false;
      await stream;
      await eventually('the last of it', () => Promise.resolve(seen.at(-1) === String(written) ? true : null));
      abort.abort();
      await expect(watching).rejects.toMatchObject({ code: 'Interrupted' });
      expect(seen).toEqual(Array.from({ length: written + 1 }, (_, i) => String(i)));
      expect(ops).toEqual([...ops].sort((a, b) => a - b));
      expect(new Set(ops).size).toBe(ops.length);
    },
  );

  it('from the command line prints changes until its limit', async () => {
    const [node] = cluster.nodes;
    const client = (...commands: readonly string[]): ReturnType<typeof run> =>
      run('haret-cli-client', [node!.api, '--ns', 'test-ns', ...commands.flatMap((command) => ['-e', command])]);
    expect(await client('create counter /n')).toMatchObject({ status: 0 });
    const watching = client('watch /n --from snapshot --values --count 3');
    // It may begin before or after some of these. With the snapshot, this makes no difference.
    for (let i = 0; i < 3; i++) await client('counter incr /n');
    for (let i = 0; i < 3; i++) await client('counter incr /n');
    const { status, stdout } = await watching;
    expect(status).toBe(0);
    const [head, state, ...events] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^\d+ snapshot$/);
    const at = Number(/created counter \/n \(version \d+\) (\d+)$/.exec(state!)![1]);
    expect(events.map((line) => line.replace(/^\d+ /, ''))).toEqual(
      [1, 2, 3].map((i) => `counted /n (version ${at + i}) ${at + i}`),
    );
  });
});
