/**
 * The status stream of the API port: how the replicas of this node stand, and what they tell of themselves, for pictures of the cluster.
 * It only tells, never of what the namespaces hold, and nothing when nobody listens.
 */

import type { Link, LinkHandler } from '../core/base/ports.ts';
import type { NodeObserver, NodeView } from '../core/cluster/host.ts';
import type { ReplicaEvent, ReplicaView } from '../core/vr/ports.ts';
import { closeCodes } from '../core/wire/close-codes.ts';

export const statusSubprotocol = 'haret.v1.status';

const everyMs = 100;
const maxListeners = 64;
/** Replicas of one message; a node with more tells of the first ones. */
const maxGroups = 64;
const maxEvents = 100;
/** A listener that has not read so much is left out until it has. */
const maxBufferedBytes = 1024 * 1024;

interface Told {
  readonly group: number;
  readonly replica: string;
  readonly atMs: number;
  readonly event: ReplicaEvent;
}

export class StatusStream {
  readonly #view: () => NodeView | null;
  readonly #listeners = new Set<Link>();
  #events: Told[] = [];
  #timer: NodeJS.Timeout | null = null;
  #last = '';

  constructor(view: () => NodeView | null) {
    this.#view = view;
  }

  readonly observer: NodeObserver = {
    applied: () => undefined,
    restored: () => undefined,
    sent: () => undefined,
    event: (identity, event) => {
      if (this.#listeners.size === 0 || event.kind === 'dropped') return;
      const told = { group: identity.namespace, replica: identity.replica, atMs: Math.floor(performance.now()), event };
      const last = this.#events.at(-1);
      // Of a burst of commits the last one says it all.
      if (event.kind === 'committed' && last?.event.kind === 'committed' && last.group === told.group) {
        this.#events[this.#events.length - 1] = told;
      } else if (this.#events.length < maxEvents) this.#events.push(told);
    },
  };

  accept(link: Link): LinkHandler {
    if (this.#listeners.size >= maxListeners) {
      link.close(closeCodes.tooManyConnections, `at most ${maxListeners} status streams`);
    } else {
      this.#listeners.add(link);
      this.#timer ??= setInterval(() => this.#tell(), everyMs);
      // The newcomer has seen nothing yet.
      this.#last = '';
    }
    return {
      onFrame: () => link.close(closeCodes.badFrame, 'a status stream takes no messages'),
      onClose: () => {
        this.#listeners.delete(link);
        if (this.#listeners.size === 0) this.stop();
      },
    };
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#events = [];
  }

  #tell(): void {
    const view = this.#view();
    if (view === null) return;
    const groups = view.replicas.slice(0, maxGroups).map(describe);
    const state = JSON.stringify({ node: view.name, peers: view.connectedPeers, nodes: view.nodes, groups });
    if (state === this.#last && this.#events.length === 0) return;
    this.#last = state;
    const message = `${state.slice(0, -1)},"events":${JSON.stringify(this.#events)}}`;
    this.#events = [];
    for (const link of this.#listeners) if (link.buffered() < maxBufferedBytes) link.send(message);
  }
}

function describe(view: ReplicaView): object {
  const { configuration } = view;
  return {
    id: view.identity.namespace,
    members: [...configuration.voters, ...configuration.learners].map(({ node, replica }) => ({ node, replica })),
    replica: {
      name: view.identity.replica,
      status: view.status,
      epoch: view.view.epoch,
      view: view.view.view,
      isPrimary: view.isPrimary,
      primary: view.primary?.replica ?? null,
      head: view.head,
      commit: view.commit,
      checkpoint: view.checkpointOp,
    },
  };
}
