/** The package's client as one that takes locks. Each has a session of its own. */

import { connect } from '../browser-client/index.ts';
import { benchNamespace } from './bare-haret-client.ts';
import type { Locker } from './locks.ts';

export async function connectHaretLocker(address: string): Promise<Locker> {
  const haret = await connect({ urls: address, followRedirects: false, name: 'haret bench' });
  const namespace = haret.namespace(benchNamespace);
  await namespace.ready();
  const locker: Locker = {
    acquire: async (name) => {
      const held = await namespace.lock(`/locks/${name}`).acquire({ timeoutMs: 60_000 });
      return async () => {
        await held.release();
      };
    },
    twin: () => Promise.resolve(locker),
    close: () => void haret.close(),
  };
  return locker;
}
