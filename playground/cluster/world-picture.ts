/** Reads a simulated world without changing it: its nodes, their replicas of one namespace, and the tree. */

import type { ReplicaHost } from '../../core/cluster/replicas/replica-host.ts';
import { sessionsOf } from '../../core/cluster/replicas/sessions-view.ts';
import { Service } from '../../core/service/service.ts';
import type { SimNode } from '../../core/sim/sim-node.ts';
import type { World } from '../../core/sim/world.ts';
import type { Operation, OperationResult } from '../../core/tree/operation.ts';
import type { StatusReplica } from '../../core/wire/status.ts';
import { describeReplica } from '../../core/wire/status.ts';
import type { Frame, NodePicture, Note, SessionsPicture, TreeRow } from './frame.ts';
import { listTree } from './tree.ts';
import type { Watcher } from './watcher.ts';

const shownSessions = 8;

export class WorldPicture {
  readonly #world: World;
  readonly #prefix: string;
  readonly #watcher: Watcher;
  readonly #slowDiskMs: (node: string) => number;
  readonly #lastSeen = new Map<string, StatusReplica>();
  #lastNote: Note | undefined;

  /** @param namespace whose replicas are shown, here and in the watcher. */
  constructor(world: World, namespace: string, watcher: Watcher, slowDiskMs: (node: string) => number) {
    this.#world = world;
    this.#prefix = `${namespace}::`;
    for (const node of world.nodes) {
      const host = this.#host(node);
      if (host !== null) watcher.show(host.namespaceId);
    }
    this.#watcher = watcher;
    this.#slowDiskMs = slowDiskMs;
    this.#lastNote = watcher.notes.at(-1);
  }

  /** Looks at all nodes, so that a node that ends next is shown as it last was. */
  look(): void {
    for (const node of this.#world.nodes) this.node(node);
  }

  node(node: SimNode): NodePicture {
    const host = this.#host(node);
    if (host !== null) {
      this.#lastSeen.set(node.name, describeReplica(host.view()));
    }
    const state = !node.alive ? 'down' : this.#world.network.isPaused(node.name) ? 'paused' : 'up';
    const slowDiskMs = this.#slowDiskMs(node.name);
    const seen = this.#lastSeen.get(node.name) ?? null;
    const replica = state === 'down' && seen !== null ? { ...seen, isPrimary: false } : seen;
    return { name: node.name, state, slowDiskMs, replica };
  }

  /** @param client the node to which the terminal is connected. */
  frame(client: string | null): Frame {
    const { nodes, network, schedule } = this.#world;
    const { notes } = this.#watcher;
    // Old notes are dropped when there are many, so we look for the last shown one from the end.
    const shown = this.#lastNote === undefined ? -1 : notes.lastIndexOf(this.#lastNote);
    this.#lastNote = notes.at(-1) ?? this.#lastNote;
    return {
      nowUs: schedule.nowUs,
      pace: 0,
      nodes: nodes.map((node) => this.node(node)),
      clients: client === null ? [] : [client],
      otherClients: 0,
      sessions: this.#sessions(),
      cuts: nodes.flatMap((a) =>
        nodes.filter((b) => network.isCut(a.name, b.name)).map((b) => ({ from: a.name, to: b.name })),
      ),
      flights: this.#watcher.takeFlights(),
      notes: notes.slice(shown + 1),
    };
  }

  /** The sessions as the primary knows them. Without a primary, as the replica that has applied most knows them. */
  #sessions(): SessionsPicture | null {
    const node = this.primaryNode();
    const host = (node === null ? null : this.#host(node)) ?? this.#furthest();
    return host === null ? null : sessionsOf(host, shownSessions);
  }

  peek(operation: Operation): OperationResult | null {
    const machine = this.#furthest()?.machine;
    const result = machine instanceof Service ? machine.tree.read(operation) : null;
    return result?.ok === true ? result.value : null;
  }

  async tree(): Promise<readonly TreeRow[]> {
    return await listTree((operation) => Promise.resolve(this.peek(operation)));
  }

  get treeOp(): number {
    return this.#furthest()?.view().applied ?? 0;
  }

  primaryNode(): SimNode | null {
    let best: { readonly node: SimNode; readonly view: number } | null = null;
    for (const node of this.#world.nodes) {
      const host = this.#host(node);
      if (host?.isPrimary !== true) continue;
      const { view } = host.view().view;
      if (best === null || view > best.view) best = { node, view };
    }
    return best?.node ?? null;
  }

  nodeOf(replica: string): SimNode | null {
    return this.#world.nodes.find((node) => this.node(node).replica?.name === replica) ?? null;
  }

  /** The replica of the namespace on a node. Null while the node is down. */
  #host(node: SimNode): ReplicaHost | null {
    return node.hosts.find((host) => host.name.startsWith(this.#prefix)) ?? null;
  }

  #furthest(): ReplicaHost | null {
    const hosts = this.#world.nodes.map((node) => this.#host(node)).filter((host) => host !== null);
    return hosts.reduce<ReplicaHost | null>(
      (best, host) => (best === null || host.view().applied > best.view().applied ? host : best),
      null,
    );
  }
}
