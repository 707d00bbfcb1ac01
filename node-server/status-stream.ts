/**
 * The status stream of the API port: the state of this node's replicas, their sessions, the messages between them, and
 * what replicas report, so that a page can draw the cluster. It takes no messages and never tells what the namespaces
 * hold. While no one listens, it only costs a look at a flag.
 */

import type { Clock, Frame, Link, LinkHandler, Log } from '../core/base/ports.ts';
import { Notices } from '../core/cluster/base/notices.ts';
import type { ClientTraffic, HostedNode, NodeObserver, SessionsView } from '../core/cluster/base/host.ts';
import type { ReplicaView } from '../core/vr/ports.ts';
import * as closeCodes from '../core/wire/close-codes.ts';
import type { StatusEvent, StatusGroup, StatusMessage } from '../core/wire/status.ts';
import { describeReplica } from '../core/wire/status.ts';
import { StatusTraffics } from './status-traffic.ts';

const everyMs = 100;
/** Listing sessions takes a step for each of them, so only one message in this many has them. */
const sessionsEvery = 5;
const maxListeners = 64;
/** Replicas in one message. A node with more tells about the first ones. */
const maxGroups = 64;
/** Sessions of one namespace. If there are more, the stream gives only their number. */
const maxSessions = 12;
const maxEvents = 100;
/** A listener that has this much unread gets nothing more until it has read it. */
const maxBufferedBytes = 1024 * 1024;

/** What a listener can send: it is a WebSocket, so these are all kinds there are. */
type Heard = 'text' | 'binary';

/**
 * What is judged of each kind of frame of a listener before anything is done for it: none is taken, because a stream that
 * is asked nothing can be told nothing wrong.
 */
const judges = {
  text: () => 'a status stream takes no messages',
  binary: () => 'a status stream takes no messages, and none in binary',
} satisfies { readonly [K in Heard]: () => string };

function kindOf(frame: Frame): Heard {
  return typeof frame === 'string' ? 'text' : 'binary';
}

/** The parts of a node that the stream tells about. */
export type StatusNode = Pick<HostedNode, 'view' | 'sessions'>;

export interface StatusParts {
  /** Of this node. */
  readonly name: string;
  /** Where pages may administer it; null when they may not. */
  readonly adminAddress: () => string | null;
  readonly node: () => StatusNode | null;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
}

export class StatusStream {
  readonly #name: string;
  readonly #adminAddress: () => string | null;
  readonly #node: () => StatusNode | null;
  readonly #notices: Notices;
  readonly #now: () => number;
  readonly #listeners = new Set<Link>();
  readonly #traffic = new StatusTraffics(everyMs, () => performance.now());
  #listening = false;
  #events: StatusEvent[] = [];
  #timer: NodeJS.Timeout | null = null;
  #last = '';
  #told = 0;
  #sessions = new Map<number, SessionsView>();
  #clients: ClientTraffic = { connections: 0, asked: 0, answered: 0 };
  #refused = 0;

  constructor({ name, adminAddress, node, log, clock }: StatusParts) {
    this.#name = name;
    this.#adminAddress = adminAddress;
    this.#node = node;
    this.#notices = new Notices(log, clock);
    this.#now = () => clock.now();
  }

  /** Streams that were closed for what they sent, or because there were too many. */
  get refused(): number {
    return this.#refused;
  }

  readonly observer: NodeObserver = {
    applied: () => undefined,
    restored: () => undefined,
    sent: (to, message) => {
      if (this.#listening) this.#traffic.saw(message.node, to.node, message);
    },
    received: (message) => {
      if (this.#listening) this.#traffic.saw(message.node, this.#name, message);
    },
    event: (identity, event) => {
      if (!this.#listening || event.kind === 'dropped') return;
      const told = { group: identity.namespace, replica: identity.replica, atMs: Math.floor(performance.now()), event };
      const last = this.#events.at(-1);
      // The last commit of a burst says everything.
      if (event.kind === 'committed' && last?.event.kind === 'committed' && last.group === told.group) {
        this.#events[this.#events.length - 1] = told;
      } else if (this.#events.length < maxEvents) this.#events.push(told);
    },
  };

  accept(link: Link, from: string): LinkHandler {
    if (this.#listeners.size >= maxListeners) {
      this.#refuse(link, from, closeCodes.tooManyConnections, `at most ${maxListeners} status streams`);
    } else {
      this.#listeners.add(link);
      this.#listen();
      // A new listener has seen nothing yet.
      this.#last = '';
    }
    return {
      onFrame: (frame) => {
        // What was on its way when it was closed is for nobody.
        if (this.#listeners.has(link)) this.#refuse(link, from, closeCodes.badFrame, judges[kindOf(frame)]());
      },
      onClose: () => this.#leave(link),
    };
  }

  /** Says why, and closes. The place is free at once, however long the other end takes to go. */
  #refuse(link: Link, from: string, code: number, reason: string): void {
    this.#refused++;
    this.#notices.tell('info', reason, 'closed a status stream', { from, problem: reason });
    link.close(code, reason);
    this.#leave(link);
  }

  #leave(link: Link): void {
    if (this.#listeners.delete(link) && this.#listeners.size === 0) this.stop();
  }

  /** Tells what was only counted. */
  tick(): void {
    this.#notices.tick(this.#now());
  }

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.#traffic.begin();
    this.#clients = this.#node()?.view().clients ?? this.#clients;
    this.#told = 0;
    this.#timer = setInterval(() => this.#tell(), everyMs);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#listening = false;
    this.#events = [];
  }

  #tell(): void {
    const node = this.#node();
    if (node === null) return;
    const view = node.view();
    if (this.#told++ % sessionsEvery === 0) {
      this.#sessions = new Map(node.sessions(maxSessions).map((one) => [one.namespace, one]));
    }
    const groups = view.replicas
      .slice(0, maxGroups)
      .map((replica) => describe(replica, this.#sessions.get(replica.identity.namespace)));
    const { connections, asked, answered } = view.clients;
    const clients = { connections, asked: asked - this.#clients.asked, answered: answered - this.#clients.answered };
    this.#clients = view.clients;
    const { intervalMs, messages } = this.#traffic.take();
    const { name, connectedPeers: peers, nodes } = view;
    const standing = { node: name, peers, nodes, adminAddress: this.#adminAddress(), groups, clients, messages };
    const state = JSON.stringify(standing);
    if (state === this.#last && this.#events.length === 0 && messages.length === 0) return;
    this.#last = state;
    const message: StatusMessage = { ...standing, intervalMs, events: this.#events };
    this.#events = [];
    const text = JSON.stringify(message);
    for (const link of this.#listeners) if (link.buffered() < maxBufferedBytes) link.send(text);
  }
}

function describe(view: ReplicaView, sessions: SessionsView | undefined): StatusGroup {
  const { configuration } = view;
  return {
    id: view.identity.namespace,
    members: [...configuration.voters, ...configuration.learners].map(({ node, replica }) => ({ node, replica })),
    replica: describeReplica(view),
    sessions: sessions === undefined ? null : { count: sessions.count, newest: sessions.newest },
  };
}
