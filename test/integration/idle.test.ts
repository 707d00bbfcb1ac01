/**
 * Ten thousand idle connections on the API port and a thousand on each other port. The node goes on serving, and
 * refuses one more with the reason.
 */

import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as closeCodes from '../../core/wire/close-codes.ts';
import { ClusterUnderTest } from './cluster-process.ts';
import { run } from './programs.ts';
import { ports, sendUntilClosed } from './raw-socket.ts';

const counts: Readonly<Record<string, number>> = { api: 10_000, admin: 1000, cluster: 1000 };
const atOnce = 100;

let cluster: ClusterUnderTest;
const sockets: Socket[] = [];

beforeAll(async () => {
  cluster = await ClusterUnderTest.start(1, 'test-ns', 'max_api_connections = 10001\nping_interval_ms = 60000\n');
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await cluster.close();
});

/** A handshake by hand, because the test's own process must hold as many sockets as the node. */
async function openIdle(address: string, subprotocol: string): Promise<void> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`,
  );
  await new Promise<void>((resolve, reject) => {
    socket.once('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').startsWith('HTTP/1.1 101 ')) resolve();
      else reject(new Error(chunk.toString('latin1').split('\r\n', 1)[0]));
    });
    socket.once('close', () => reject(new Error('closed')));
  });
}

describe('idle connections', () => {
  it('in their thousands cost little memory and do no harm to other clients', async () => {
    const node = cluster.node(0);
    const before = (await node.metric('process_resident_memory_bytes')) ?? 0;
    for (const port of ports) {
      const address = port.address(node);
      for (let open = 0; open < (counts[port.name] ?? 0); open += atOnce) {
        await Promise.all(Array.from({ length: atOnce }, () => openIdle(address, port.binary)));
      }
      expect(await node.metric(`haret_connections{interface="${port.name}"}`)).toBe(counts[port.name]);
    }
    const after = (await node.metric('process_resident_memory_bytes')) ?? 0;
    expect(after - before).toBeLessThan(300_000_000);
    const client = [
      '--ns',
      'test-ns',
      '-e',
      'create blob /idle',
      '-e',
      'blob put /idle still-here',
      '-e',
      'blob get /idle',
    ];
    const ran = await run('haret-cli-client', [node.api, ...client]);
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stdout).toContain('still-here');
    expect(await node.adminRun('vr primary test-ns')).toMatchObject({ status: 0 });
  });

  it('are taken up to the limit, and not one more', async () => {
    const node = cluster.node(0);
    const api = ports.find(({ name }) => name === 'api')!;
    await openIdle(node.api, api.binary);
    expect(await sendUntilClosed(node.api, api.binary, [])).toEqual({
      code: closeCodes.tooManyConnections,
      reason: 'too many connections to the api interface: its limit is 10001',
    });
    expect((await node.http('/health')).status).toBe(200);
  });
});
