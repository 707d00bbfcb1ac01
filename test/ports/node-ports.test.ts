/** The ports of a server process, and the pure ones, by the same suites. */

import { describe, expect, it } from 'vitest';
import { portableLatin1 } from '../../core/base/latin1.ts';
import { NobleHash } from '../../core/base/noble-hash.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { NodeClock } from '../../node-server/node-clock.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { nodeLatin1 } from '../../node-server/node-latin1.ts';
import { NodeRandom } from '../../node-server/node-random.ts';
import { WebSocketTransport } from '../../node-server/ws-transport.ts';
import { clockSuite, hashSuite, latin1Suite, randomSuite, transportSuite } from './conformance.ts';
import { listen } from './node-acceptor.ts';

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
  it('agree on random bytes', () => {
    const random = new SeededRandom(42);
    for (let length = 0; length < 300; length++) {
      const bytes = random.bytes(length);
      expect(nodeHash.digest(bytes)).toBe(nobleHash.digest(bytes));
      expect(nodeHash.mac(bytes, bytes)).toBe(nobleHash.mac(bytes, bytes));
    }
  });
});
