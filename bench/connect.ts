/** Opens connections of any client, dealt out over the addresses of a target. */

import { connectBareHaret } from './bare-haret-client.ts';
import { connectEngine } from './engine-haret-client.ts';
import { connectEtcdFrames } from './etcd-frames-client.ts';
import { connectEtcdNode } from './etcd-node-client.ts';
import type { ClientKind, ClientSpec, Connection } from './target.ts';
import { connectZooKeeper } from './zookeeper-client.ts';

const connectors: Readonly<Record<ClientKind, (address: string) => Promise<Connection>>> = {
  'haret-bare': connectBareHaret,
  'haret-engine': connectEngine,
  'etcd-frames': connectEtcdFrames,
  'etcd-node': connectEtcdNode,
  zookeeper: connectZooKeeper,
};

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
