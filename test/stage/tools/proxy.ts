/**
 * A proxy in front of a port, which can stop carrying depending on who dialled. So single nodes are cut off from each
 * other while their clients reach all of them. The process at the other end of the socket shows who dialled. The proxy
 * does not look at what it carries.
 */

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { ClusterUnderTest, NodeUnderTest } from '../../integration/cluster-process.ts';
import { freePort } from '../../integration/cluster-process.ts';
import { namespaceName, shown } from '../stage.ts';
import type { Stage } from '../stage.ts';

interface Carried {
  readonly from: NodeUnderTest | null;
  readonly near: Socket;
  readonly far: Socket;
}

/**
 * What happens to a connection: nothing is carried in either direction, no answers are carried, or it is closed at
 * once.
 */
export type Cut = 'silent' | 'answers' | 'closed';

export class Proxy {
  readonly address: string;
  readonly #server: Server;
  readonly #carried = new Set<Carried>();
  #cut: (from: NodeUnderTest | null) => Cut | null = () => null;

  private constructor(port: number, target: string, nodes: () => readonly NodeUnderTest[]) {
    this.address = `127.0.0.1:${port}`;
    const [host, to] = target.split(':') as [string, string];
    this.#server = createServer((near) => {
      const far = connect(Number(to), host);
      const carried: Carried = { from: dialler(near, nodes()), near, far };
      this.#carried.add(carried);
      near.on('data', (chunk) => far.write(chunk));
      far.on('data', (chunk) => near.write(chunk));
      for (const socket of [near, far]) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          near.destroy();
          far.destroy();
          this.#carried.delete(carried);
        });
      }
      this.#apply(carried);
    });
  }

  static async before(stage: Stage, target: string, nodes: () => readonly NodeUnderTest[] = () => []): Promise<Proxy> {
    const port = await freePort();
    const proxy = new Proxy(port, target, nodes);
    await new Promise<void>((resolve) => proxy.#server.listen(port, '127.0.0.1', resolve));
    stage.atEnd(() => proxy.close());
    return proxy;
  }

  /**
   * From now on, nothing is carried for nodes for which `cut` says so. The connections stay open, and go on when it no
   * longer does.
   */
  cut(cut: (from: NodeUnderTest | null) => Cut | null): void {
    this.#cut = cut;
    for (const carried of this.#carried) this.#apply(carried);
  }

  /** Ends what is carried. */
  drop(): void {
    for (const { near, far } of this.#carried) {
      near.destroy();
      far.destroy();
    }
  }

  close(): void {
    this.drop();
    this.#server.close();
  }

  #apply({ from, near, far }: Carried): void {
    const cut = this.#cut(from);
    // If it is left unread, it waits in the system's buffers, as on a line that went dead.
    if (cut === 'closed') {
      near.destroy();
      far.destroy();
    } else if (cut === 'silent') near.pause();
    else near.resume();
    if (cut !== null) far.pause();
    else far.resume();
  }
}

/** The node whose process has the other end of a socket on this machine. */
function dialler({ remotePort }: Socket, nodes: readonly NodeUnderTest[]): NodeUnderTest | null {
  if (nodes.length === 0 || remotePort === undefined) return null;
  const port = remotePort.toString(16).toUpperCase().padStart(4, '0');
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(`:${port}`) !== true) continue;
    for (const node of nodes) if (node.pid !== null && holds(node.pid, `socket:[${fields[9] ?? ''}]`)) return node;
  }
  return null;
}

function holds(pid: number, socket: string): boolean {
  try {
    for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
      try {
        if (readlinkSync(`/proc/${pid}/fd/${descriptor}`) === socket) return true;
      } catch {
        // It was closed meanwhile.
      }
    }
  } catch {
    // The process ended.
  }
  return false;
}

/** Nodes whose links to each other go through proxies. */
export class CutCluster {
  readonly cluster: ClusterUnderTest;
  readonly #proxies: ReadonlyMap<NodeUnderTest, Proxy>;

  private constructor(cluster: ClusterUnderTest, proxies: ReadonlyMap<NodeUnderTest, Proxy>) {
    this.cluster = cluster;
    this.#proxies = proxies;
  }

  /** Starts `count` nodes as one cluster, with a namespace on the first three. */
  static async start(stage: Stage, count: number): Promise<CutCluster> {
    const cluster = await stage.layOut(count);
    const proxies = new Map<NodeUnderTest, Proxy>();
    for (const node of cluster.nodes) {
      const proxy = await Proxy.before(stage, node.cluster, () => cluster.nodes);
      proxies.set(node, proxy);
      node.configure(`advertised_cluster_host = "${proxy.address}"`);
    }
    await Promise.all(cluster.nodes.map((node) => node.start()));
    const [first, ...others] = cluster.nodes;
    const at = (node: NodeUnderTest): string => `${node.name}@${proxies.get(node)!.address}`;
    const replicas = cluster.nodes.slice(0, 3).map((node, i) => `r${i + 1}::${at(node)}`);
    const commands = [
      ...others.map((node) => `cluster join ${at(node)}`),
      `vr create namespace ${namespaceName} ${replicas.join(',')}`,
    ];
    const { status, stderr } = await first!.adminRun(...commands);
    if (status !== 0) throw new Error(`the cluster is not made: ${shown(stderr)}`);
    await Promise.all(cluster.nodes.map((node) => node.untilHttp('/ready')));
    stage.step(`${count} nodes run, linked through proxies`);
    return new CutCluster(cluster, proxies);
  }

  /**
   * These nodes and the others no longer hear each other. Either their lines are silent without any notice, or what
   * they dial is closed.
   */
  cutOff(manner: 'silent' | 'closed', ...nodes: readonly NodeUnderTest[]): void {
    for (const [to, proxy] of this.#proxies) {
      proxy.cut((from) => (from !== null && nodes.includes(from) !== nodes.includes(to) ? manner : null));
    }
  }

  /** Only these two no longer hear each other. */
  cutBetween(manner: 'silent' | 'closed', one: NodeUnderTest, other: NodeUnderTest): void {
    for (const [to, proxy] of this.#proxies) {
      const away = to === one ? other : to === other ? one : null;
      proxy.cut((from) => (from !== null && from === away ? manner : null));
    }
  }

  /** All hear each other again. What was cut is dialled anew, as when routers come back. */
  heal(): void {
    for (const proxy of this.#proxies.values()) {
      proxy.cut(() => null);
      proxy.drop();
    }
  }
}
