/** The ports of the SDK, in Node and as a page has them, by the suites that a server's pass. */

import { hostRuntime } from '../../browser-client/runtime.ts';
import { inProcess } from '../../browser-client/in-process.ts';
import { soon as soonInPage } from '../../browser-client/page-host.ts';
import { SocketTransport } from '../../browser-client/websocket.ts';
import type { Link, LinkHandler } from '../../core/base/ports.ts';
import type { Acceptor } from './conformance.ts';
import { clockSuite, randomSuite, transportSuite } from './conformance.ts';
import { listen } from './node-acceptor.ts';

const { clock, random } = hostRuntime(new SocketTransport(false, undefined)).ports;

randomSuite('the SDK', () => random);
clockSuite(
  'the SDK in Node',
  () => clock,
  () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
);
clockSuite(
  'the SDK in a page',
  () => ({ now: () => clock.now(), soon: soonInPage }),
  () => new Promise((resolve) => soonInPage(() => soonInPage(resolve))),
);

transportSuite('the SDK over ws', () => new SocketTransport(false, undefined), listen);

const waiting: { handler: LinkHandler; resolve: (link: Link) => void }[] = [];
transportSuite(
  'the SDK within a process',
  () =>
    inProcess((subprotocol, link) => {
      if (subprotocol !== 'haret.v1.binary') return null;
      const next = waiting.shift();
      next?.resolve(link);
      return next?.handler ?? null;
    }),
  () =>
    Promise.resolve<Acceptor>({
      address: 'anywhere',
      deadAddresses: [],
      subprotocol: 'haret.v1.binary',
      next: (handler) => new Promise((resolve) => waiting.push({ handler, resolve })),
      close: () => Promise.resolve(),
    }),
);
