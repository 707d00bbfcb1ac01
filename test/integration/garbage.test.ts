/** Garbage on the three ports costs its sender the connection, and harms no other client. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SeededRandom } from '../../core/base/random.ts';
import * as closeCodes from '../../core/wire/close-codes.ts';
import { ClusterUnderTest } from './cluster-process.ts';
import { run } from './programs.ts';
import { open, ports, sendBytes, sendUntilClosed } from './raw-socket.ts';

/** Eighty bytes that ask superjson for an array of 2 GB. */
const bomb = '{"json":[2147483647],"meta":{"values":[["typed-array","Uint8Array"]],"v":1}}';

let cluster: ClusterUnderTest;

beforeAll(async () => {
  cluster = await ClusterUnderTest.start(1, 'test-ns', 'max_api_connections = 50\nmax_admin_connections = 50\n');
});

afterAll(async () => {
  await cluster.close();
});

/** The node serves: a write succeeds, and the node is healthy. */
async function serves(): Promise<void> {
  const node = cluster.node(0);
  const ran = await run('haret-cli-client', [node.api, '--ns', 'test-ns', '-e', 'ls']);
  expect(ran).toMatchObject({ status: 0 });
  expect((await node.http('/health')).status).toBe(200);
}

describe.each(ports)('garbage on the $name port', (port) => {
  const address = (): string => port.address(cluster.node(0));

  it('random bytes in frames, and frames cut short, close their connection with a code', async () => {
    const random = new SeededRandom(1);
    for (let i = 0; i < 60; i++) {
      // It sends two frames. Some first frames happen to be empty lists, which are valid.
      const frames = [random.bytes(1 + random.below(200)), new Uint8Array([0xff, 0xff, 0xff])];
      const { code } = await sendUntilClosed(address(), port.binary, frames);
      expect(code).toBeGreaterThanOrEqual(4000);
    }
    await serves();
  });

  it('text for binary closes its connection', async () => {
    const { code } = await sendUntilClosed(address(), port.binary, ['[]', '{"json":[]}']);
    expect(code).toBe(closeCodes.badFrame);
    await serves();
  });

  it('an oversized frame closes its connection', async () => {
    const { code } = await sendUntilClosed(address(), port.binary, [new Uint8Array(20 * 1024 * 1024)]);
    expect([closeCodes.tooBig, closeCodes.abnormal]).toContain(code);
    await serves();
  });

  it('bytes that are not HTTP are answered with 400, and the wait for a head has an end', async () => {
    expect(await sendBytes(address(), new SeededRandom(2).bytes(4096))).toMatch(/^(HTTP\/1\.1 400 |$)/);
    expect(await sendBytes(address(), 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow')).toMatch(/^HTTP\/1\.1 408 /);
    await serves();
  });
});

describe.each(ports.filter(({ text }) => text !== null))('garbage on the $name port in text', (port) => {
  const address = (): string => port.address(cluster.node(0));

  it.each([
    ['binary for text', new Uint8Array([1, 2, 3])],
    ['the superjson bomb', bomb],
    ['what is no JSON', '{"json":'],
    ['deep nesting', `{"json":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['a prototype as a key', '{"json":[{"__proto__":{"polluted":true}}]}'],
    ['null for a message', '{"json":[null]}'],
    ['another shape', '{"json":[{"kind":"nonsense","id":1}]}'],
  ])('%s closes its connection and nothing else', async (_name, frame) => {
    const { code } = await sendUntilClosed(address(), port.text ?? '', [frame]);
    expect(code).toBeGreaterThanOrEqual(4000);
    await serves();
  });
});

describe('connections past the limit', () => {
  it.each(ports.filter(({ text }) => text !== null))(
    'are closed with a typed reason on the $name port',
    async (port) => {
      const address = port.address(cluster.node(0));
      const held: WebSocket[] = [];
      try {
        for (let i = 0; i < 50; i++) held.push(await open(address, port.binary));
        const { code, reason } = await sendUntilClosed(address, port.binary, []);
        expect(code).toBe(closeCodes.tooManyConnections);
        expect(reason).toBe(`too many connections to the ${port.name} interface: its limit is 50`);
      } finally {
        for (const ws of held) ws.terminate();
      }
      await cluster.node(0).untilHttp('/health');
    },
  );
});
