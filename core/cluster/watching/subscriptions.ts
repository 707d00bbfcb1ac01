/**
 * All watches at this node. A watch begins at a replica here, or, if there is none, a peer with a replica relays it. A
 * watch that cannot go on ends with an error that may be retried. Its reader then begins again after the last op that
 * it was told (architecture §5).
 */

import type { ErrorCode, ErrorInfo } from '../../base/errors.ts';
import { errorInfo } from '../../base/errors.ts';
import { rootNamespaceId } from '../../base/ids.ts';
import type { NamespaceId, Op, RunId } from '../../base/ids.ts';
import { encodeOperation } from '../../service/body.ts';
import { Service } from '../../service/service.ts';
import { Failure } from '../../tree/failure.ts';
import { parsePath } from '../../tree/path.ts';
import type { ClientMessage, ServerMessage } from '../../wire/api.ts';
import type { PeerMessage } from '../../wire/peer.ts';
import type { Groups } from '../replicas/groups.ts';
import type { Peers } from '../peers/peers.ts';
import type { ReadConsistency, ReplicaHost } from '../replicas/replica-host.ts';
import type { Router } from '../routing/router.ts';
import { readConsistency } from '../routing/router.ts';
import { WatchFeed } from './watch-feed.ts';
import type { WatchMessage, WatchSink } from './watch.ts';
import { Watch, isWatchMessage } from './watch.ts';

export type WatchRequest = Extract<ClientMessage, { kind: 'watch' }>;

/** What subscriptions need of their node. */
export interface SubscriptionsParts {
  /** A replica of a namespace that runs here. */
  hostOf(namespaceId: NamespaceId): ReplicaHost | null;
  /** True when the namespace certainly does not exist. */
  denies(namespaceId: NamespaceId): boolean;
  /** A connected node that has a replica. */
  peerFor(namespaceId: NamespaceId): string | null;
  send(node: string, message: PeerMessage): boolean;
  /** True while so many bytes are unread by this node that a watch should wait too. */
  congested(node: string): boolean;
  /** A number that no earlier process of this node had. */
  readonly run: RunId;
}

/** @param run a number drawn at the start of this node's process. */
export function subscriptionsParts(groups: Groups, peers: Peers, router: Router, run: RunId): SubscriptionsParts {
  let turn = 0;
  return {
    run,
    // The root group has a catalog and no tree.
    hostOf: (id) => (id === rootNamespaceId ? null : (groups.hostsOf(id).find((host) => !host.silent) ?? null)),
    denies: (id) => id === rootNamespaceId || groups.denies(id),
    peerFor: (namespaceId) => {
      const primary = router.hints.of(namespaceId)?.node;
      if (primary !== undefined && peers.connected(primary)) return primary;
      const known = groups.knows(namespaceId) ? groups.nodesOf(namespaceId) : peers.connectedNames();
      const nodes = known.filter((node) => node !== groups.self() && peers.connected(node));
      // It is another one each time, because the one before may have lost its group.
      return nodes[turn++ % Math.max(1, nodes.length)] ?? null;
    },
    send: (node, message) => peers.send(node, message),
    congested: (node) => peers.congested(node),
  };
}

/** The watches of connections, as their node serves them. */
export interface Watches {
  begin(sink: WatchSink, request: WatchRequest): void;
  end(sink: WatchSink, id: number): void;
  /** The connection is gone. */
  leave(sink: WatchSink): void;
}

/**
 * How many records and changes the watches that catch up may look at in one tick. This is a few milliseconds of work.
 */
const effortPerTick = 20_000;
const effortAtBegin = 2000;
const markEveryMs = 1000;
/** A watch that was told nothing for this long is told its position. */
const idleMs = 5000;

/** A read that is done first, so that a watch begins no earlier than the state at the time of its request. */
const anyRead = encodeOperation({ kind: 'exists', path: '/' });

/** One watch of one connection, from its request to its end. */
class Held {
  readonly sink: WatchSink;
  readonly request: WatchRequest;
  over = false;
  host: ReplicaHost | null = null;
  watch: Watch | null = null;
  relay: Relay | null = null;

  constructor(sink: WatchSink, request: WatchRequest) {
    this.sink = sink;
    this.request = request;
  }
}

/**
 * A watch that a peer serves for this node. Its messages are numbered, because a message between nodes may be lost or
 * doubled.
 */
interface Relay {
  readonly id: number;
  readonly node: string;
  next: number;
}

/** A peer that relays for its clients. */
class PeerSink implements WatchSink {
  readonly run: RunId;
  readonly #node: string;
  readonly #parts: SubscriptionsParts;
  readonly #numbers = new Map<number, number>();
  #lastId = 0;

  constructor(node: string, run: RunId, parts: SubscriptionsParts) {
    this.#node = node;
    this.run = run;
    this.#parts = parts;
  }

  /**
   * False for a watch that was begun already. A frame that came twice must not begin the watch again, later than the
   * first time.
   */
  begin(id: number): boolean {
    if (id <= this.#lastId) return false;
    this.#lastId = id;
    this.#numbers.set(id, 0);
    return true;
  }

  tell(message: WatchMessage): void {
    const number = this.#numbers.get(message.id) ?? 0;
    if (message.kind === 'error') this.#numbers.delete(message.id);
    else this.#numbers.set(message.id, number + 1);
    this.#parts.send(this.#node, { kind: 'relayed', run: this.run, number, message });
  }

  end(id: number): void {
    this.#numbers.delete(id);
  }

  hasRoom(): boolean {
    return !this.#parts.congested(this.#node);
  }
}

function outOfTouch(host: ReplicaHost): string {
  return `replica ${host.name} has lost touch with its group`;
}

export class Subscriptions implements Watches {
  readonly #parts: SubscriptionsParts;
  readonly #maxWatches: number;
  readonly #bySink = new Map<WatchSink, Map<number, Held>>();
  readonly #feeds = new Map<ReplicaHost, WatchFeed>();
  readonly #byWatch = new Map<Watch, Held>();
  readonly #relays = new Map<number, Held>();
  readonly #peers = new Map<string, PeerSink>();
  /** Replicas that were out of touch with their groups at the last mark. */
  readonly #lost = new WeakSet<ReplicaHost>();
  #nextRelay = 1;
  #nextMarkMs = 0;
  #size = 0;

  /** @param maxWatches is the bound for one connection. */
  constructor(parts: SubscriptionsParts, maxWatches: number) {
    this.#parts = parts;
    this.#maxWatches = maxWatches;
  }

  /** Watches that are open or about to begin, including those of peers. */
  get size(): number {
    return this.#size;
  }

  begin(sink: WatchSink, request: WatchRequest): void {
    this.#begin(sink, request, true);
  }

  #begin(sink: WatchSink, request: WatchRequest, mayRelay: boolean): void {
    let table = this.#bySink.get(sink);
    if (table === undefined) {
      table = new Map();
      this.#bySink.set(sink, table);
    }
    const { id, namespaceId, path, from } = request;
    const before = table.get(id);
    if (before !== undefined) this.#drop(before);
    const held = new Held(sink, request);
    this.#bySink.set(sink, table);
    table.set(id, held);
    this.#size++;
    const parts = parsePath(path);
    if (parts instanceof Failure) return this.#fail(held, parts.error);
    if (table.size > this.#maxWatches && !(sink instanceof PeerSink)) {
      const details = { limit: this.#maxWatches, actual: table.size };
      return this.#fail(
        held,
        errorInfo('LimitExceeded', `a connection has at most ${this.#maxWatches} watches`, details),
      );
    }
    const host = this.#parts.hostOf(namespaceId);
    if (host === null) return this.#elsewhere(held, mayRelay);
    if (sink instanceof PeerSink && !host.inTouch && request.consistency.kind === 'linearizable') {
      return this.#failWith(held, 'NoPrimary', outOfTouch(host));
    }
    if (from.kind === 'after') return this.#open(held, host, from.op);
    // The replica follows its group through other nodes, and does not reach the primary, which a linearizable beginning
    // needs (V35).
    const cutOff = host.inTouch && host.primaryNode === null;
    if (cutOff && mayRelay && request.consistency.kind === 'linearizable') return this.#elsewhere(held, mayRelay);
    const consistency: ReadConsistency = readConsistency(request.consistency);
    host.read(
      {
        reply: () => {
          if (!held.over) this.#open(held, host, null);
        },
        fail: (error) => this.#fail(held, error),
      },
      consistency,
      anyRead,
    );
  }

  /** @param after the op after which it begins. Null to begin with the state as it is now. */
  #open(held: Held, host: ReplicaHost, after: Op | null): void {
    const { machine } = host;
    if (host.silent || !(machine instanceof Service)) {
      return this.#failWith(held, 'NoPrimary', `replica ${host.name} serves no watches now`);
    }
    const { request, sink } = held;
    const watch = new Watch(request.id, request, sink, after ?? machine.op);
    held.host = host;
    held.watch = watch;
    this.#byWatch.set(watch, held);
    sink.tell({ kind: 'watching', id: request.id, op: watch.cursor });
    if (request.from.kind === 'snapshot') watch.startSnapshot(machine, false);
    let feed = this.#feeds.get(host);
    if (feed === undefined) {
      feed = new WatchFeed(machine, (ended) => this.#ended(ended));
      this.#feeds.set(host, feed);
    }
    feed.add(watch, { left: effortAtBegin });
  }

  /** A watch that wanted one event got it. */
  #ended(watch: Watch): void {
    const held = this.#byWatch.get(watch);
    if (held !== undefined) this.#drop(held);
  }

  #elsewhere(held: Held, mayRelay: boolean): void {
    const { namespaceId } = held.request;
    if (this.#parts.denies(namespaceId)) {
      return this.#failWith(held, 'UnknownNamespace', `Unknown namespace: there is none with id ${namespaceId}`);
    }
    const node = mayRelay ? this.#parts.peerFor(namespaceId) : null;
    const id = this.#nextRelay++;
    if (node === null || !this.#sendRelay(node, { ...held.request, id })) {
      return this.#failWith(held, 'NoPrimary', 'no node that has a replica of this namespace can be reached now');
    }
    held.relay = { id, node, next: 0 };
    this.#relays.set(id, held);
  }

  end(sink: WatchSink, id: number): void {
    const held = this.#bySink.get(sink)?.get(id);
    if (held !== undefined) this.#drop(held);
  }

  leave(sink: WatchSink): void {
    for (const held of [...(this.#bySink.get(sink)?.values() ?? [])]) this.#drop(held);
  }

  #failWith(held: Held, code: ErrorCode, message: string): void {
    this.#fail(held, errorInfo(code, message, {}, 'definite'));
  }

  #fail(held: Held, error: ErrorInfo): void {
    if (held.over) return;
    this.#drop(held);
    held.sink.tell({ kind: 'error', id: held.request.id, error });
  }

  /** Forgets a watch. It is told nothing more. */
  #drop(held: Held): void {
    if (held.over) return;
    held.over = true;
    this.#size--;
    const { sink, request, watch, host, relay } = held;
    const table = this.#bySink.get(sink);
    if (table?.get(request.id) === held) table.delete(request.id);
    if (table?.size === 0) this.#bySink.delete(sink);
    if (sink instanceof PeerSink && watch?.ended === true) sink.end(request.id);
    if (watch !== null) this.#byWatch.delete(watch);
    if (watch !== null && host !== null) {
      const feed = this.#feeds.get(host);
      feed?.remove(watch);
      if (feed?.size === 0) this.#feeds.delete(host);
    }
    if (relay !== null) {
      this.#relays.delete(relay.id);
      this.#sendRelay(relay.node, { kind: 'unwatch', id: relay.id });
    }
  }

  #sendRelay(node: string, message: ClientMessage): boolean {
    return this.#parts.send(node, { kind: 'relay', run: this.#parts.run, message });
  }

  // What the node reports.

  /** A replica applied an entry, or its state was replaced. */
  moved(host: ReplicaHost): void {
    this.#feeds.get(host)?.advance();
  }

  /** A replica is stopped, or its state was found wrong. Another replica must serve its watches. */
  stopped(host: ReplicaHost): void {
    for (const watch of [...(this.#feeds.get(host)?.watches() ?? [])]) {
      const held = this.#byWatch.get(watch);
      if (held !== undefined) this.#failWith(held, 'NoPrimary', `replica ${host.name} serves no watches now`);
    }
  }

  tick(now: number): void {
    if (this.#feeds.size === 0) return;
    const effort = { left: effortPerTick };
    for (const feed of this.#feeds.values()) feed.catchUp(effort);
    if (now < this.#nextMarkMs) return;
    this.#nextMarkMs = now + markEveryMs;
    this.#leaveOutOfTouch();
    for (const feed of this.#feeds.values()) feed.mark(now, now - idleMs);
  }

  /**
   * Ends watches that a replica here serves for another node, when that replica has lost its group. The other node may
   * find a replica that has not.
   */
  #leaveOutOfTouch(): void {
    for (const [host, feed] of this.#feeds) {
      if (host.inTouch) {
        this.#lost.delete(host);
      } else if (!this.#lost.has(host)) {
        // A normal election is over at the next mark.
        this.#lost.add(host);
      } else {
        for (const watch of [...feed.watches()]) {
          const held = this.#byWatch.get(watch);
          if (held?.sink instanceof PeerSink) this.#failWith(held, 'NoPrimary', outOfTouch(host));
        }
      }
    }
  }

  // Relaying.

  /** A peer asks on behalf of one of its clients. */
  asked(node: string, run: RunId, message: ClientMessage): void {
    let sink = this.#peers.get(node);
    if (sink?.run !== run) {
      // In that node, no client waits for what an earlier process asked.
      if (sink !== undefined) this.leave(sink);
      sink = new PeerSink(node, run, this.#parts);
      this.#peers.set(node, sink);
    }
    if (message.kind === 'watch') {
      if (sink.begin(message.id)) this.#begin(sink, message, false);
    } else if (message.kind === 'unwatch') {
      sink.end(message.id);
      this.end(sink, message.id);
    }
  }

  /** Takes what a peer tells one of our clients. */
  relayed(node: string, run: RunId, number: number, message: ServerMessage): void {
    if (run !== this.#parts.run || !isWatchMessage(message)) return;
    const held = this.#relays.get(message.id);
    const relay = held?.relay;
    if (held === undefined || !relay || relay.node !== node) {
      // No client here waits for it any more, and the peer has not heard that.
      if (message.kind !== 'error') this.#sendRelay(node, { kind: 'unwatch', id: message.id });
      return;
    }
    // It was told already. Messages between nodes may come twice.
    if (number < relay.next) return;
    if (number > relay.next) return this.#failWith(held, 'Retry', `a message that node ${node} relayed was lost`);
    relay.next++;
    const { sink, request } = held;
    if (message.kind === 'error') return this.#fail(held, message.error);
    if (!sink.hasRoom()) return this.#failWith(held, 'Retry', 'too many relayed messages wait to be read');
    sink.tell({ ...message, id: request.id });
    if (!request.oneshot) return;
    if (message.kind === 'event' || (message.kind === 'snapshot' && message.reset && message.last)) this.#drop(held);
  }

  /** A peer is disconnected. What it relayed must begin again, and what was relayed for it cannot be delivered. */
  lost(node: string): void {
    for (const held of [...this.#relays.values()]) {
      if (held.relay?.node === node) this.#failWith(held, 'NodeUnreachable', `the connection to node ${node} broke`);
    }
    const sink = this.#peers.get(node);
    if (sink === undefined) return;
    this.leave(sink);
    this.#peers.delete(node);
  }
}
