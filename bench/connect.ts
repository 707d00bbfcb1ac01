/** Opens connections of any client, spread over the addresses of a target. */

import { connectBareHaret } from './bare-haret-client.ts';
import { connectEngine } from './engine-haret-client.ts';
import { connectEtcdFrames } from './etcd-frames-client.ts';
import { connectEtcdNode } from './etcd-node-client.ts';
import { connectSdk } from './sdk-haret-client.ts';
import type { ClientKind, ClientSpec, Connection } from './target.ts';
import { connectZooKeeper } from './zookeeper-client.ts';

const probeResendMs = 100;

const connectors: Readonly<Record<ClientKind, (address: string) => Promise<Connection>>> = {
  'haret-bare': (address) => connectBareHaret(address),
  'haret-engine': connectEngine,
  'haret-sdk': connectSdk,
  'etcd-frames': connectEtcdFrames,
  'etcd-node': connectEtcdNode,
  zookeeper: connectZooKeeper,
};

/**
 * A connection for a probe of failover. A session's requests are done in order. So a request that was lost with a
 * primary holds up those after it until it is sent again. A probe sends again as soon as that is useful.
 */
export function connectProbe(client: ClientKind, address: string): Promise<Connection> {
  return client === 'haret-bare' ? connectBareHaret(address, probeResendMs) : connectTo(client, address);
}

export function connectTo(client: ClientKind, address: string): Promise<Connection> {
  return connectors[client](address);
}

export async function connectMany(spec: ClientSpec, count: number): Promise<Connection[]> {
  const opened = await Promise.allSettled(
    Array.from({ length: count }, (_, i) => connectTo(spec.client, spec.addresses[i % spec.addresses.length]!)),
  );
  const connections: Connection[] = [];
  let failed: Error | null = null;
  for (const one of opened) {
    if (one.status === 'fulfilled') connections.push(one.value);
    else failed ??= one.reason as Error;
  }
  if (failed === null) return connections;
  for (const connection of connections) connection.close();
  throw failed;
}
