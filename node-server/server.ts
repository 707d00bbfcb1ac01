/**
 * `haret/server`: a node in your own process, for services that bring their own node and for tests on real sockets. It
 * is what `haret start` runs, without the signals. Its settings are those of `config.toml`.
 *
 * @module haret/server
 */

import { resolve } from 'node:path';
import { stringify } from 'smol-toml';
import { HaretError, haretError } from '../core/base/errors.ts';
import { isName } from '../core/base/ids.ts';
import { promised } from '../core/client/promises.ts';
import { AdminClient } from '../core/client/admin-client.ts';
import { ClusterNode } from '../core/cluster/node.ts';
import type { AdminResult } from '../core/wire/admin.ts';
import { inProcess } from '../browser-client/in-process.ts';
import type { Accept } from '../browser-client/in-process.ts';
import { ConfigError, parseConfig } from './config.ts';
import type { NodeConfig } from './config.ts';
import { NodeClock } from './node-clock.ts';
import { NodeDisk } from './node-disk.ts';
import { NodeLog } from './node-log.ts';
import { NodeProcess } from './node-process.ts';
import type { NodeAddresses } from './node-process.ts';
import { NodeRandom } from './node-random.ts';
import { programVersion } from './version.ts';

export { ConfigError, inProcess };
export type { Accept, NodeAddresses };

/** Options of {@link startServer}. */
export interface ServerOptions {
  /** Unique in its cluster, and the same at every start. */
  readonly nodeName: string;
  /** The directory for the data. It is created when it does not exist, and only one process at a time may use it. */
  readonly dataDir: string;
  /**
   * The address that other nodes dial, as `host:port`. Port 0 takes a free one. The default of this and the other
   * addresses is `127.0.0.1:0`.
   */
  readonly clusterHost?: string | undefined;
  /** The address for administration. */
  readonly adminHost?: string | undefined;
  /** The address for clients. */
  readonly apiHost?: string | undefined;
  /** More keys, by their names in `config.toml`. */
  readonly config?: Readonly<Record<string, string | number | boolean | readonly string[]>> | undefined;
  /** Gets the log, one JSON object a line. Without it, the log is dropped. */
  readonly log?: ((line: string) => void) | undefined;
  /**
   * Called when the disk failed and the node ended. It is no longer known what the disk holds, so the process should
   * end. Without it, the error is thrown and is not caught.
   */
  readonly onFatal?: ((error: Error) => void) | undefined;
}

/** A node that runs in this process. */
export interface Server {
  /** The addresses on which it listens. */
  readonly addresses: NodeAddresses;
  /**
   * Takes links of clients in this process: `connect({ urls: server.addresses.api, transport: inProcess(server.accept)
   * })`.
   */
  readonly accept: Accept;
  /** Makes a namespace with all of its replicas on this node. It is no error when the namespace exists already. */
  createNamespace(name: string): Promise<void>;
  /**
   * Hands over what it can, makes everything durable, and closes. False when that took longer than `stop_timeout_ms`.
   */
  stop(): Promise<boolean>;
  /** For `await using`: {@link stop}. */
  [Symbol.asyncDispose](): Promise<void>;
}

const tickMs = 15;
const replicas = ['r1', 'r2', 'r3'];

/**
 * Binds, recovers, and runs the node until `stop`.
 * @throws {@link ConfigError} for settings that cannot be used; Error in one line that says what is in the way.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const log = new NodeLog(
    { level: 'info', pretty: false, destination: { write: (line) => options.log?.(line) } },
    { self: options.nodeName },
  );
  const fatal = options.onFatal ?? throwUncaught;
  const host = new NodeProcess(
    configOf(options),
    log,
    {
      version: programVersion(),
      createNode: (ports, settings, onDiskFailure, observer) =>
        new ClusterNode(ports, settings, onDiskFailure, observer),
      openDisk: (directory) => new NodeDisk(directory),
    },
    fatal,
  );
  const addresses = await host.start();
  let stopped = false;
  const stop = (): Promise<boolean> => {
    stopped = true;
    return host.stop();
  };
  return {
    addresses,
    accept: (subprotocol, link) => host.accept('api', subprotocol, link),
    createNamespace: async (name) => {
      if (stopped) throw haretError('Closed', 'the server was stopped');
      if (!isName(name)) throw haretError('BadName', `not a valid name of a namespace: ${name}`);
      await createNamespace(host, addresses, options.nodeName, name);
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

function throwUncaught(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}

function configOf(options: ServerOptions): NodeConfig {
  const { nodeName, dataDir, clusterHost, adminHost, apiHost, config } = options;
  const anyPort = '127.0.0.1:0';
  const keys = {
    ...config,
    node_name: nodeName,
    cluster_host: clusterHost ?? anyPort,
    admin_host: adminHost ?? anyPort,
    api_host: apiHost ?? anyPort,
    data_dir: resolve(dataDir),
  };
  return parseConfig(stringify(keys), 'startServer');
}

async function createNamespace(
  host: NodeProcess,
  addresses: NodeAddresses,
  node: string,
  namespace: string,
): Promise<void> {
  const client = new AdminClient(
    {
      transport: inProcess((subprotocol, link) => host.accept('admin', subprotocol, link)),
      clock: new NodeClock(),
      random: new NodeRandom(),
    },
    { addresses: [addresses.admin] },
  );
  client.start();
  const ticker = setInterval(() => client.tick(), tickMs);
  try {
    // Without an address: after a restart the catalog may still have the previous one.
    const places = replicas.map((replica) => ({ replica, node, address: '' }));
    await promised<AdminResult>((done) =>
      client.execute({ kind: 'createNamespace', namespace, replicas: places, allowSmall: false }, done),
    );
  } catch (error) {
    if (!(error instanceof HaretError) || error.code !== 'NamespaceExists') throw error;
  } finally {
    clearInterval(ticker);
    client.close();
  }
}
