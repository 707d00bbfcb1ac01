/** A client that reads a large write slowly: what its link says of that, on a real socket. */

import { createConnection } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Link } from '../../core/base/ports.ts';
import { Sockets } from '../../node-server/descriptors.ts';
import { Listener } from '../../node-server/ws-listener.ts';

const mebi = 1024 * 1024;
const handler = { onFrame: (): void => undefined, onClose: (): void => undefined };
let listener: Listener;
let link: Link | null;

beforeEach(async () => {
  link = null;
  listener = new Listener({
    through: 'api',
    host: '127.0.0.1',
    port: 0,
    subprotocols: ['test'],
    maxConnections: 10,
    maxFrameBytes: mebi,
    pingIntervalMs: 60_000,
    origins: { key: 'none', allows: () => false },
    hosts: { allows: () => true } as never,
    log: { write: () => undefined },
    sockets: new Sockets(Infinity, { write: () => undefined }),
    accept: (_subprotocol, accepted) => {
      link = accepted;
      return handler;
    },
  });
  await listener.listen();
});

afterEach(() => listener.close());

it('a slow reader makes progress although the write that it reads is buffered until its end', async () => {
  const socket = createConnection(listener.port, '127.0.0.1');
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nSec-WebSocket-Protocol: test\r\n\r\n`,
  );
  await vi.waitFor(() => expect(link).not.toBeNull());
  // From here on it reads only when the test says so.
  await new Promise((resolve) => socket.once('readable', resolve));
  for (let i = 0; i < 32; i++) link!.send(new Uint8Array(mebi));
  await vi.waitFor(() => expect(link!.taken!()).toBeGreaterThan(0));
  // Until its kernel and ours are full, some of it leaves without a reader.
  let before = -1;
  await vi.waitFor(() => {
    const taken = link!.taken!();
    const still = taken === before;
    before = taken;
    expect(still).toBe(true);
  });
  const buffered = link!.buffered();
  expect(before).toBeLessThan(32 * mebi);
  expect(buffered).toBeGreaterThan(16 * mebi);
  for (let read = 0; read < 4 * mebi;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) await new Promise((resolve) => socket.once('readable', resolve));
    else read += chunk.length;
  }
  await vi.waitFor(() => expect(link!.taken!()).toBeGreaterThan(before));
  expect(link!.buffered()).toBe(buffered);
  socket.destroy();
});
