/** The ports of the simulated world, by the suites that real ones pass. Its time is virtual, so it goes on while a test waits. */

import { SeededRandom } from '../../core/base/random.ts';
import type { Link, LinkHandler } from '../../core/base/ports.ts';
import { Network } from '../../core/sim/network.ts';
import { Schedule } from '../../core/sim/schedule.ts';
import type { Acceptor } from './conformance.ts';
import { clockSuite, transportSuite } from './conformance.ts';

const schedule = new Schedule();
const waiting: { handler: LinkHandler; resolve: (link: Link) => void }[] = [];
let listeners = 0;
const network = new Network(schedule, new SeededRandom(3), (address, subprotocol, link) => {
  if (address !== 'near:2002' || subprotocol !== 'haret.v1.binary') return null;
  const next = waiting.shift();
  next?.resolve(link);
  return next?.handler ?? null;
});

/** Lets the world go on for as long as anything is to happen in it. */
function turn(): Promise<void> {
  while (schedule.step());
  return new Promise((resolve) => setImmediate(resolve));
}

async function live(): Promise<void> {
  while (listeners > 0) await turn();
}

clockSuite('the simulator', () => schedule.clock, turn);
transportSuite(
  'the simulator',
  () => network.transportOf('far'),
  () => {
    listeners++;
    if (listeners === 1) void live();
    return Promise.resolve<Acceptor>({
      address: 'near:2002',
      deadAddresses: ['nowhere:2002', 'not an address'],
      subprotocol: 'haret.v1.binary',
      next: (handler) => new Promise((resolve) => waiting.push({ handler, resolve })),
      close: () => {
        listeners--;
        return Promise.resolve();
      },
    });
  },
);
