/** The ports of a server process, and the pure ones, by the same suites. */

import { describe, expect, it } from 'vitest';
import { portableLatin1 } from '../../core/base/latin1.ts';
import { NobleHash } from '../../core/base/noble-hash.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { NodeClock } from '../../node-server/node-clock.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { nodeLatin1 } from '../../node-server/node-latin1.ts';
import { NodeRandom } from '../../node-server/node-random.ts';
import { HostCheck, OriginCheck } from '../../node-server/origins.ts';
import { Listener } from '../../node-server/ws-listener.ts';
import { WebSocketTransport } from '../../node-server/ws-transport.ts';
import type { Link, LinkHandler } from '../../core/base/ports.ts';
import { clockSuite, hashSuite, latin1Suite, randomSuite, transportSuite } from './conformance.ts';
import type { Acceptor } from './conformance.ts';

const nodeHash = new NodeHash();
const nobleHash = new NobleHash();
hashSuite('node:crypto', nodeHash);
hashSuite('@noble/hashes', nobleHash);
latin1Suite('node', nodeLatin1);
latin1Suite('portable', portableLatin1);
randomSuite('node', () => new NodeRandom());
randomSuite('seeded', () => new SeededRandom(7, 11, 13));
clockSuite(
  'node',
  () => new NodeClock(),
  () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
);
transportSuite('ws', () => new WebSocketTransport({ maxFrameBytes: 1024 * 1024 }), listen);

describe('the two hashes', () => {
  it('agree on whatever random bytes there are', () => {
    const random = new SeededRandom(42);
    for (let length = 0; length < 300; length++) {
      const bytes = random.bytes(length);
      expect(nodeHash.digest(bytes)).toBe(nobleHash.digest(bytes));
      expect(nodeHash.mac(bytes, bytes)).toBe(nobleHash.mac(bytes, bytes));
    }
  });
});

async function listen(): Promise<Acceptor> {
  const waiting: { handler: LinkHandler; resolve: (link: Link) => void }[] = [];
  const listener = new Listener({
    through: 'api',
    host: '127.0.0.1',
    port: 0,
    subprotocols: ['haret.v1.binary'],
    maxConnections: 10,
    maxFrameBytes: 1024,
    pingIntervalMs: 1000,
    origins: new OriginCheck([]),
    hosts: new HostCheck([]),
    log: { write: () => undefined },
    accept: (_subprotocol, link) => {
      const next = waiting.shift();
      next?.resolve(link);
      return next?.handler ?? null;
    },
  });
  await listener.listen();
  return {
    address: `127.0.0.1:${listener.port}`,
    deadAddress: '127.0.0.1:1',
    subprotocol: 'haret.v1.binary',
    next: (handler) =>
      new Promise((resolve) => {
        waiting.push({ handler, resolve });
      }),
    close: () => listener.close(),
  };
}
