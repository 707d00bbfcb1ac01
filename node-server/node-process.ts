/**
 * Hosts a node in this process. It binds the three interfaces, makes the ports, recovers, ticks, and stops in order.
 * The node itself is `core/cluster`. Signals and exit statuses are in `run-node.ts`.
 */

import type { Disk, Interface, Link, LinkHandler, Transport } from '../core/base/ports.ts';
import type { HostedNode, MetricSample, NodeObserver, NodeOptions, NodePorts } from '../core/cluster/base/host.ts';
import { offeredAdminSubprotocols } from '../core/wire/admin-codecs.ts';
import { offeredApiSubprotocols } from '../core/wire/api-codecs.ts';
import { maxHandshakeBytes, peerSubprotocol } from '../core/wire/peer.ts';
import { statusSubprotocol } from '../core/wire/status.ts';
import type { Bind, NodeConfig } from './config.ts';
import { parseAddress } from './config-keys.ts';
import { Sockets, descriptorLimit } from './descriptors.ts';
import { httpEndpoints } from './http-endpoints.ts';
import { NodeClock } from './node-clock.ts';
import { NodeHash } from './node-hash.ts';
import { NodeMemory } from './node-memory.ts';
import { lendNodeLatin1 } from './node-latin1.ts';
import type { NodeLog } from './node-log.ts';
import { NodeRandom } from './node-random.ts';
import { HostCheck, noPages, onlyNodes, OriginCheck } from './origins.ts';
import type { OriginRule } from './origins.ts';
import { closeSecretFile } from './owner-only.ts';
import { Playground } from './playground-files.ts';
import { ProcessMetrics } from './prometheus.ts';
import { StatusStream } from './status-stream.ts';
import { Listener } from './ws-listener.ts';
import { WebSocketTransport } from './ws-transport.ts';

/** How often we ask a node that is not ready yet, so that the log says when it is. */
const readyCheckMs = 50;

export interface NodeParts {
  readonly version: string;
  /** `onDiskFailure` is called when a write or a sync failed. */
  readonly createNode: (
    ports: NodePorts,
    options: NodeOptions,
    onDiskFailure: (error: Error) => void,
    observer: NodeObserver,
  ) => HostedNode;
  readonly openDisk: (directory: string) => Disk;
}

/** Where a node listens, as `host:port`. */
export interface NodeAddresses {
  /** For other nodes. */
  readonly cluster: string;
  /** For administration. */
  readonly admin: string;
  /** For clients. */
  readonly api: string;
}

/** A greeting and a hello or a welcome, the largest there can be, with room for their frames. */
const unprovenBytes = 4 * maxHandshakeBytes;

export class NodeProcess {
  readonly #config: NodeConfig;
  readonly #log: NodeLog;
  readonly #parts: NodeParts;
  readonly #onFatal: (error: Error) => void;
  readonly #metrics = new ProcessMetrics();
  readonly #sockets: Sockets;
  readonly #listeners: Readonly<Record<Interface, Listener>>;
  readonly #origins: OriginCheck;
  readonly #hosts: HostCheck;
  readonly #status: StatusStream;
  #node: HostedNode | null = null;
  #stopping = false;
  #ticker: NodeJS.Timeout | null = null;
  #readyCheck: NodeJS.Timeout | null = null;

  /** @param onFatal ends the process, because it is no longer known what the disk holds (protocol §2). */
  constructor(config: NodeConfig, log: NodeLog, parts: NodeParts, onFatal: (error: Error) => void) {
    lendNodeLatin1();
    this.#config = config;
    this.#log = log;
    this.#sockets = new Sockets(descriptorLimit(), log);
    this.#parts = parts;
    this.#onFatal = onFatal;
    this.#origins = new OriginCheck(config.allowedOrigins);
    this.#hosts = new HostCheck(hostNamesOf(config));
    this.#status = new StatusStream({
      name: config.nodeName,
      adminAddress: () => (config.playgroundAdmin ? this.#addresses().admin : null),
      node: () => this.#node,
      log,
      clock: new NodeClock(),
    });
    this.#listeners = {
      cluster: this.#listener('cluster', config.cluster),
      admin: this.#listener('admin', config.admin),
      api: this.#listener('api', config.api),
    };
  }

  /**
   * Binds, then recovers. So a port that is taken is found before the disk is touched, and connections that arrive
   * meanwhile wait in the kernel.
   * @throws Error in one line that says what is in the way.
   */
  async start(): Promise<NodeAddresses> {
    const startedAt = performance.now();
    for (const warning of this.#config.warnings) this.#log.write('warn', `insecure: ${warning}`);
    try {
      for (const listener of Object.values(this.#listeners)) await listener.listen();
      const addresses = this.#addresses();
      closeSecretFile(this.#config.dataDir, this.#log);
      this.#origins.serveFrom([addresses.api, this.#bound('api')], this.#listeners.api.port);
      const node = this.#parts.createNode(
        this.#ports(),
        this.#options(addresses),
        this.#onFatal,
        this.#status.observer,
      );
      node.start();
      this.#node = node;
      this.#metrics.start();
      this.#ticker = setInterval(() => {
        node.tick();
        this.#status.tick();
      }, this.#config.timing.tickMs);
      this.#log.write('info', 'listening', { ...addresses, pid: process.pid, version: this.#parts.version });
      this.#announceReady(node, startedAt);
      return addresses;
    } catch (error) {
      await this.#closeListeners();
      throw error;
    }
  }

  /**
   * Refuses new work, makes everything durable, and closes. False when that took longer than `stop_timeout_ms` and was
   * cut short.
   */
  async stop(): Promise<boolean> {
    this.#stopping = true;
    const node = this.#node;
    let clean = true;
    if (node !== null) {
      clean = await new Promise<boolean>((resolve) => {
        const deadline = setTimeout(() => resolve(false), this.#config.stopTimeoutMs);
        node.stop(() => {
          clearTimeout(deadline);
          resolve(true);
        });
      });
    }
    this.#node = null;
    if (this.#ticker !== null) clearInterval(this.#ticker);
    if (this.#readyCheck !== null) clearInterval(this.#readyCheck);
    this.#metrics.stop();
    this.#status.stop();
    await this.#closeListeners();
    return clean;
  }

  /**
   * Takes a link that did not come through a socket, from a client in this process. Null when the node takes none now.
   */
  accept(through: Interface, subprotocol: string, link: Link): LinkHandler | null {
    return this.#node === null || this.#stopping ? null : this.#node.accept(through, subprotocol, link, 'this process');
  }

  #listener(through: Interface, bind: Bind): Listener {
    const { limits, pingIntervalMs, statusStream } = this.#config;
    const offered = statusStream ? [...offeredApiSubprotocols, statusSubprotocol] : offeredApiSubprotocols;
    const byInterface = {
      cluster: { subprotocols: [peerSubprotocol], most: limits.maxClusterConnections, frame: limits.maxPeerFrameBytes },
      admin: { subprotocols: offeredAdminSubprotocols, most: limits.maxAdminConnections, frame: limits.maxFrameBytes },
      api: { subprotocols: offered, most: limits.maxApiConnections, frame: limits.maxFrameBytes },
    }[through];
    return new Listener({
      through,
      host: bind.host,
      port: bind.port,
      subprotocols: byInterface.subprotocols,
      maxConnections: byInterface.most,
      maxFrameBytes: byInterface.frame,
      pingIntervalMs,
      origins: this.#pagesOf(through),
      hosts: this.#hosts,
      log: this.#log,
      sockets: this.#sockets,
      accept: (subprotocol, link, from) => {
        if (this.#node === null || this.#stopping) return null;
        if (subprotocol === statusSubprotocol) return this.#status.accept(link, from);
        return this.#node.accept(through, subprotocol, link, from);
      },
      ...(through === 'api' ? { http: this.#endpoints() } : {}),
      ...(through === 'cluster' ? { unprovenBytes } : {}),
    });
  }

  /**
   * A page can do what its user can. So the interfaces are closed to pages until they are opened, and no page
   * administers a node without permission.
   */
  #pagesOf(through: Interface): OriginRule {
    if (through === 'cluster') return onlyNodes;
    return through === 'admin' && !this.#config.playgroundAdmin ? noPages : this.#origins;
  }

  #endpoints(): ReturnType<typeof httpEndpoints> {
    return httpEndpoints({
      playground: new Playground(this.#config.nodeName, this.#parts.version),
      node: () => (this.#stopping ? null : this.#node),
      processSamples: () => [...this.#metrics.samples(), ...this.#connectionSamples(), this.#statusSample()],
    });
  }

  #connectionSamples(): readonly MetricSample[] {
    return Object.entries(this.#listeners).flatMap(([name, listener]): readonly MetricSample[] => {
      const { open, accepted, refused } = listener.counts();
      const labels = { interface: name };
      const open1 = { name: 'haret_connections', help: 'Open WebSocket connections.', type: 'gauge' as const };
      const accepted1 = {
        name: 'haret_connections_accepted_total',
        help: 'Connections accepted.',
        type: 'counter' as const,
      };
      const refused1 = {
        name: 'haret_connections_refused_total',
        help: 'Connections refused.',
        type: 'counter' as const,
      };
      return [
        { ...open1, labels, value: open },
        { ...accepted1, labels, value: accepted },
        { ...refused1, labels, value: refused },
      ];
    });
  }

  #statusSample(): MetricSample {
    const help = 'Status streams closed for what they sent, or because there were too many.';
    return { name: 'haret_status_refused_total', help, type: 'counter', labels: {}, value: this.#status.refused };
  }

  #bound(name: Interface): string {
    const { host } = this.#config[name];
    return `${host.includes(':') ? `[${host}]` : host}:${this.#listeners[name].port}`;
  }

  #addresses(): NodeAddresses {
    const told = (name: Interface): string =>
      this.#config[name].advertised === '' ? this.#bound(name) : this.#config[name].advertised;
    return { cluster: told('cluster'), admin: told('admin'), api: told('api') };
  }

  #ports(): NodePorts {
    const { limits, handshakeTimeoutMs, pingIntervalMs, dataDir } = this.#config;
    const transport: Transport = new WebSocketTransport({
      maxFrameBytes: limits.maxPeerFrameBytes,
      handshakeTimeoutMs,
      pingIntervalMs,
      unprovenBytes,
    });
    return {
      disk: this.#parts.openDisk(dataDir),
      transport,
      clock: new NodeClock(),
      random: new NodeRandom(),
      hash: new NodeHash(),
      log: this.#log,
      memory: new NodeMemory(),
    };
  }

  #options(addresses: NodeAddresses): NodeOptions {
    const config = this.#config;
    return {
      name: config.nodeName,
      clusterAddress: addresses.cluster,
      adminAddress: addresses.admin,
      apiAddress: addresses.api,
      limits: config.limits,
      timing: config.timing,
      segmentBytes: config.segmentBytes,
      checkpointBytes: config.checkpointBytes,
      diskReserveBytes: config.diskReserveBytes,
      secret: config.secret,
      describedConfig: config.described,
      setLogLevel: (level) => this.#log.setLevel(level),
    };
  }

  #announceReady(node: HostedNode, startedAt: number): void {
    const check = (): boolean => {
      if (!node.ready().ok) return false;
      this.#log.write('info', 'ready', { afterMs: Math.round(performance.now() - startedAt) });
      return true;
    };
    if (check()) return;
    this.#readyCheck = setInterval(() => {
      if (check() && this.#readyCheck !== null) clearInterval(this.#readyCheck);
    }, readyCheckMs);
  }

  async #closeListeners(): Promise<void> {
    await Promise.all(Object.values(this.#listeners).map((listener) => listener.close()));
  }
}

/** The names by which clients, operators and other nodes reach this node. */
function hostNamesOf({ cluster, admin, api, allowedHosts }: NodeConfig): readonly string[] {
  const told = [cluster, admin, api].flatMap(({ host, advertised }) => [host, parseAddress(advertised)?.host ?? host]);
  return [...told, ...allowedHosts];
}
