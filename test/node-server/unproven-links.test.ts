/**
 * What an end that has proven nothing may send to a node, below the level of core: pings, fragments, and bytes that
 * never end.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { AddressInfo } from 'node:net';
import type { Frame, Link } from '../../core/base/ports.ts';
import { Sockets } from '../../node-server/descriptors.ts';
import { Listener } from '../../node-server/ws-listener.ts';
import { WebSocketTransport } from '../../node-server/ws-transport.ts';

const subprotocol = 'test';
const unprovenBytes = 4096;
const refused = '1006 too much from an end that has proven nothing';
const floods: readonly (readonly [string, (ws: WebSocket) => void])[] = [
  ['pings', (ws) => ws.ping('x')],
  ['pongs', (ws) => void Array.from({ length: 4000 }, () => ws.pong('xxx'))],
  ['a frame that is too long', (ws) => ws.send(new Uint8Array(100_000))],
  ['fragments that never end', (ws) => void Array.from({ length: 4000 }, () => ws.send('', { fin: false }))],
  ['many small frames', (ws) => void Array.from({ length: 4000 }, () => ws.send('x'))],
];

let closed: string[];
let frames: Frame[];
let taken: Link | null;
const handler = {
  onFrame: (frame: Frame): void => void frames.push(frame),
  onClose: (code: number, reason: string): void => void closed.push(`${code} ${reason}`),
};

beforeEach(() => {
  closed = [];
  frames = [];
  taken = null;
});

describe('an end that dialled a node', () => {
  let listener: Listener;
  let ws: WebSocket;

  beforeEach(async () => {
    listener = new Listener({
      through: 'cluster',
      host: '127.0.0.1',
      port: 0,
      subprotocols: [subprotocol],
      maxConnections: 10,
      maxFrameBytes: 1024 * 1024,
      pingIntervalMs: 60_000,
      unprovenBytes,
      origins: { key: 'none', allows: () => false },
      hosts: { allows: () => true } as never,
      log: { write: () => undefined },
      sockets: new Sockets(Infinity, { write: () => undefined }),
      accept: (_subprotocol, link) => {
        taken = link;
        return handler;
      },
    });
    await listener.listen();
    ws = new WebSocket(`ws://127.0.0.1:${listener.port}`, [subprotocol]);
    ws.on('error', () => undefined);
    await new Promise((resolve) => ws.once('open', resolve));
  });

  afterEach(() => listener.close());

  it.each(floods)('is cut off when it sends %s', async (_what, flood) => {
    flood(ws);
    await vi.waitFor(() => expect(closed).toContain(refused));
  });

  it('may send as much as it likes once it has proven itself', async () => {
    ws.send('hello');
    await vi.waitFor(() => expect(frames).toEqual(['hello']));
    taken!.proven!();
    const answered = new Promise((resolve) => ws.once('pong', resolve));
    ws.send(new Uint8Array(100_000));
    ws.ping();
    await answered;
    expect(closed).toEqual([]);
    expect(frames).toHaveLength(2);
  });
});

describe('an end that a node dialled', () => {
  let server: WebSocketServer;
  let answer: (ws: WebSocket) => void;

  beforeEach(async () => {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => subprotocol });
    server.on('connection', (ws) => {
      ws.on('error', () => undefined);
      answer(ws);
    });
    await new Promise((resolve) => server.once('listening', resolve));
  });

  afterEach(() => {
    for (const ws of server.clients) ws.terminate();
    server.close();
  });

  const dial = (): Link =>
    new WebSocketTransport({ maxFrameBytes: 1024 * 1024, unprovenBytes }).dial(
      `127.0.0.1:${(server.address() as AddressInfo).port}`,
      subprotocol,
      handler,
    );

  it.each(floods)('is cut off when it sends %s', async (_what, flood) => {
    answer = flood;
    dial();
    await vi.waitFor(() => expect(closed).toContain(refused));
  });

  it('may send as much as it likes once it has proven itself', async () => {
    let other: WebSocket | null = null;
    answer = (ws) => {
      other = ws;
      ws.send('welcome');
    };
    const link = dial();
    await vi.waitFor(() => expect(frames).toEqual(['welcome']));
    link.proven!();
    other!.send(new Uint8Array(100_000));
    const answered = new Promise((resolve) => other!.once('pong', resolve));
    other!.ping();
    await answered;
    expect(closed).toEqual([]);
    expect(frames).toHaveLength(2);
  });
});
