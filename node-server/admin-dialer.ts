/**
 * The admin client engine with promises and its own timer, for programs of this process that ask a node a few
 * questions.
 */

import { HaretError } from '../core/base/errors.ts';
import { AdminClient } from '../core/client/admin-client.ts';
import { defaultLimits } from '../core/base/limits.ts';
import type { AskAdmin } from './dev-found.ts';
import { NodeClock } from './node-clock.ts';
import { NodeRandom } from './node-random.ts';
import { WebSocketTransport } from './ws-transport.ts';

const tickMs = 20;

export interface AdminSession {
  /** @throws {@link HaretError} */
  readonly ask: AskAdmin;
  close(): void;
}

export type AdminDialer = (address: string) => AdminSession;

export const dialAdmin: AdminDialer = (address) => {
  const transport = new WebSocketTransport({ maxFrameBytes: defaultLimits.maxFrameBytes });
  const ports = { transport, clock: new NodeClock(), random: new NodeRandom() };
  const client = new AdminClient(ports, { addresses: [address] });
  client.start();
  const ticker = setInterval(() => client.tick(), tickMs);
  return {
    ask: async (command) =>
      new Promise((resolve, reject) => {
        client.execute(command, (result) => {
          if (result.ok) resolve(result.value);
          else reject(new HaretError(result.error));
        });
      }),
    close: () => {
      clearInterval(ticker);
      client.close();
    },
  };
};
