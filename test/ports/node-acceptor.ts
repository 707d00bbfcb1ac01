/** The far side of transports that dial over real sockets: a listener as nodes have it. */

import type { Link, LinkHandler } from '../../core/base/ports.ts';
import { HostCheck, OriginCheck } from '../../node-server/origins.ts';
import { Sockets } from '../../node-server/descriptors.ts';
import { Listener } from '../../node-server/ws-listener.ts';
import type { Acceptor } from './conformance.ts';

export async function listen(): Promise<Acceptor> {
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
    sockets: new Sockets(Infinity, { write: () => undefined }),
    accept: (_subprotocol, link) => {
      const next = waiting.shift();
      next?.resolve(link);
      return next?.handler ?? null;
    },
  });
  await listener.listen();
  return {
    address: `127.0.0.1:${listener.port}`,
    deadAddresses: ['127.0.0.1:1', 'not an address'],
    subprotocol: 'haret.v1.binary',
    next: (handler) =>
      new Promise((resolve) => {
        waiting.push({ handler, resolve });
      }),
    close: () => listener.close(),
  };
}
