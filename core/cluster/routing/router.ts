/**
 * Where a request goes: to the replica here when it can serve, else to the node that can, through a peer that reaches it when this
 * node does not (protocol §9.9). Keeps what every node knows of the primaries. Whoever asks hears an answer or a time-out, once.
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { NamespaceId } from '../../base/ids.ts';
import { Numbered } from '../../base/numbered.ts';
import type { Limits } from '../../base/limits.ts';
import type { SessionSecret } from '../../base/session-secret.ts';
import { noSecret } from '../../base/session-secret.ts';
import { encodeBody } from '../../service/body.ts';
import type { Consistency } from '../../wire/api.ts';
import type { ForwardItem, ForwardOutcome, PeerMessage, PrimaryHint } from '../../wire/peer.ts';
import { Reach } from '../../vr/reach.ts';
import type { DiskReserve } from '../replicas/disk-reserve.ts';
import type { Groups } from '../replicas/groups.ts';
import { Once } from './once.ts';
import type { Peers } from '../peers/peers.ts';
import type { ReadConsistency, ReplicaHost, Waiter } from '../replicas/replica-host.ts';

/** A request goes over at most so many nodes: here to a peer, from it to the primary, and one stale hint. */
const maxHops = 3;
/** An admin command may found a cluster, dial a node and wait for an election before it is answered. */
const adminPatience = 5;
/** Groups that were just created, of which peers know sooner. */
const maxEarlyHints = 1024;

/** Whoever waits for what was forwarded. */
interface ForwardWaiter {
  readonly to: string;
  readonly done: (outcome: ForwardOutcome) => void;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  /** A write that was handed to a peer may be executed, whatever becomes of the peer. */
  readonly mayExecute: boolean;
  readonly namespaceId: NamespaceId;
  /** Has it served elsewhere; null for what only that node can answer. */
  readonly again: (() => void) | null;
}

export class Router {
  readonly #groups: Groups;
  readonly #peers: Peers;
  readonly #reserve: DiskReserve;
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #timeoutMs: number;
  readonly #run: number;
  readonly #hints = new Map<NamespaceId, PrimaryHint>();
  /** Hints of groups that the catalog here does not have yet. */
  readonly #early = new Map<NamespaceId, PrimaryHint>();
  readonly #reach: Reach;
  readonly #once = new Once();
  /** Hints that were not believed. */
  unbelieved = 0;
  /** All with one time-out, so that they are overdue in their order. */
  readonly #forwarded = new Numbered<ForwardWaiter>();
  /** Below it no id is in `#forwarded`. */
  #oldest = 1;
  /** Admin commands, which are few and have more time. */
  readonly #commands = new Numbered<ForwardWaiter>();
  #nextId = 1;

  /** @param run a number drawn at the start of this node's process. */
  constructor(
    groups: Groups,
    peers: Peers,
    reserve: DiskReserve,
    limits: Limits,
    now: () => number,
    timeoutMs: number,
    run: number,
  ) {
    this.#run = run;
    this.#reach = new Reach(now());
    this.#reserve = reserve;
    this.#groups = groups;
    this.#peers = peers;
    this.#limits = limits;
    this.#now = now;
    this.#timeoutMs = timeoutMs;
  }

  get outstanding(): number {
    return this.#forwarded.size + this.#commands.size;
  }

  /** Takes in what a replica here knows of its primary; true when it is news. */
  learn(hint: PrimaryHint): boolean {
    const known = this.#hints.get(hint.namespaceId);
    if (known !== undefined && order(hint, known) <= 0) return false;
    this.#hints.set(hint.namespaceId, hint);
    this.#reroute(hint);
    return true;
  }

  /**
   * What a peer says of a primary: believed of a replica that the catalog here names, in a view that elections can have reached. Of a
   * group that the catalog does not have yet it is kept until it does.
   */
  told(hint: PrimaryHint): void {
    const { namespaceId } = hint;
    const possible = this.#groups.mayBePrimary(hint);
    if (possible === null) {
      if (this.#early.size >= maxEarlyHints && !this.#early.has(namespaceId)) this.#early.clear();
      this.#early.set(namespaceId, hint);
      return;
    }
    const known = this.#hints.get(namespaceId);
    const from = known?.epoch === hint.epoch ? known.view : 0;
    if (!possible || !this.#reach.allows(from, hint.view, this.#now())) {
      this.unbelieved++;
      return;
    }
    if (this.learn(hint)) this.#reach.take(from, hint.view);
  }

  /** The catalog changed: what was said before its time is judged now. */
  catalogChanged(): void {
    if (this.#early.size === 0) return;
    const early = [...this.#early.values()];
    this.#early.clear();
    for (const hint of early) this.told(hint);
  }

  /**
   * A group has a new primary: what an older one still owes goes to it at once. Numbered requests are executed once however often
   * they are sent (protocol §7), and whatever the old one may yet answer is for nobody. Where this node cannot reach the new
   * primary, the peer that was asked passes it on by itself.
   */
  #reroute(hint: PrimaryHint): void {
    if (hint.node !== this.#groups.self() && !this.#peers.connected(hint.node)) return;
    const owed: [number, () => void][] = [];
    for (const [id, { namespaceId, to, again }] of this.#forwarded.entries()) {
      if (namespaceId === hint.namespaceId && to !== hint.node && again !== null) owed.push([id, again]);
    }
    for (const [id, again] of owed) {
      if (this.#forwarded.take(id) !== undefined) again();
    }
  }

  hint(namespaceId: NamespaceId): PrimaryHint | null {
    return this.#hints.get(namespaceId) ?? null;
  }

  hints(): readonly PrimaryHint[] {
    return [...this.#hints.values()];
  }

  /** Serves what a client of this node asked. */
  serve(namespaceId: NamespaceId, item: ForwardItem, secret: SessionSecret, waiter: Waiter): void {
    this.#serve(namespaceId, item, secret, 0, '', waiter);
  }

  #serve(
    namespaceId: NamespaceId,
    item: ForwardItem,
    secret: SessionSecret,
    hops: number,
    from: string,
    waiter: Waiter,
  ): void {
    const primary = this.#groups.primaryHost(namespaceId);
    if (primary !== null) return this.#serveHere(primary, item, secret, waiter);
    if (item.kind === 'read') {
      const replica = this.#reader(namespaceId, item.consistency);
      if (replica !== null) return this.#serveHere(replica, item, secret, waiter);
    }
    this.#forward(namespaceId, item, secret, hops, from, waiter);
  }

  #serveHere(host: ReplicaHost, item: ForwardItem, secret: SessionSecret, waiter: Waiter): void {
    // A full disk is no reason to keep back the reply of what was executed: the replica judges that first.
    if (item.kind === 'request') host.request(waiter, item, secret, this.#reserve.refuses(item.operation));
    else serveOther(host, item, secret, waiter);
  }

  /**
   * A replica here that can answer such a read: a local one at once, and one at least of some op where that is applied, whatever
   * became of the primary; others by the read index of a primary that it follows and this node reaches (protocol §7).
   */
  #reader(namespaceId: NamespaceId, consistency: Consistency): ReplicaHost | null {
    const least = consistency.kind === 'local' ? 1 : consistency.kind === 'atLeast' ? consistency.op : Infinity;
    for (const host of this.#groups.hostsOf(namespaceId)) {
      if (host.stopped) continue;
      if (host.applied >= least) return host;
      const node = host.primaryNode;
      if (node !== null && (node === this.#groups.self() || this.#peers.connected(node))) return host;
    }
    return null;
  }

  #forward(
    namespaceId: NamespaceId,
    item: ForwardItem,
    secret: SessionSecret,
    hops: number,
    from: string,
    waiter: Waiter,
  ): void {
    // This node's copy of the catalog may lag: only where the root group's primary is can it be said that there is no such namespace.
    if (this.#groups.denies(namespaceId)) {
      return waiter.fail(errorInfo('UnknownNamespace', `Unknown namespace: there is none with id ${namespaceId}`));
    }
    const target = this.#target(namespaceId, hops, from);
    if (target === null || hops >= maxHops) {
      return waiter.fail(errorInfo('NoPrimary', 'no primary of this namespace can be reached now', { namespaceId }));
    }
    const done = (outcome: ForwardOutcome): void => {
      if (outcome.kind === 'reply') waiter.reply(outcome.reply);
      else if (outcome.kind === 'error') waiter.fail(outcome.error);
      else waiter.fail(errorInfo('Internal', `a peer answered ${outcome.kind}`));
    };
    // Whoever is asked next does not know what the one before made of it.
    const again = (): void => this.#serve(namespaceId, item, secret, hops, from, inDoubt(item, waiter));
    this.#ask(target, namespaceId, item, secret, hops + 1, done, again);
  }

  /** The node of the primary; else one that is connected and has a replica, which may reach or become it. */
  #target(namespaceId: NamespaceId, hops: number, from: string): string | null {
    const self = this.#groups.self();
    const hint = this.#hints.get(namespaceId);
    if (hint !== undefined && hint.node !== self && hint.node !== from && this.#peers.connected(hint.node))
      return hint.node;
    const reachable = this.nodesFor(namespaceId).filter(
      (node) => node !== self && node !== from && this.#peers.connected(node),
    );
    if (reachable.length > 0) return reachable[(this.#nextId + hops) % reachable.length]!;
    return null;
  }

  /** Nodes to which what concerns a namespace may go: what this node's catalog does not know, any other may. */
  nodesFor(namespaceId: NamespaceId): readonly string[] {
    return this.#groups.knows(namespaceId) ? this.#groups.nodesOf(namespaceId) : this.#peers.connectedNames();
  }

  /** Has `item` done by one node, and says what came of it, once. */
  ask(
    node: string,
    namespaceId: NamespaceId,
    item: ForwardItem,
    hops: number,
    done: (outcome: ForwardOutcome) => void,
  ): void {
    this.#ask(node, namespaceId, item, noSecret, hops, done, null);
  }

  #ask(
    node: string,
    namespaceId: NamespaceId,
    item: ForwardItem,
    secret: SessionSecret,
    hops: number,
    done: (outcome: ForwardOutcome) => void,
    again: (() => void) | null,
  ): void {
    const limit = this.#limits.maxPendingRequests;
    if (this.outstanding >= limit) {
      return done(
        failed(errorInfo('Overloaded', `${limit} forwarded requests are outstanding`, { limit, actual: limit + 1 })),
      );
    }
    const id = this.#nextId++;
    if (!this.#peers.send(node, { kind: 'forward', run: this.#run, id, hops, namespaceId, secret, item })) {
      return done(failed(errorInfo('NodeUnreachable', `node ${node} is not connected`, { node })));
    }
    const mayExecute = changes(item);
    const timeoutMs = item.kind === 'admin' ? this.#timeoutMs * adminPatience : this.#timeoutMs;
    const table = item.kind === 'admin' ? this.#commands : this.#forwarded;
    const deadlineMs = this.#now() + timeoutMs;
    table.set(id, { to: node, done, timeoutMs, deadlineMs, mayExecute, namespaceId, again });
  }

  /** True for the first copy of a forward: what comes of another one is for nobody. */
  takes(from: string, run: number, id: number): boolean {
    return this.#once.takes(from, run, id);
  }

  /** What a peer asks of this node. */
  receive(
    from: string,
    message: Extract<PeerMessage, { kind: 'forward' }>,
    answer: (message: PeerMessage) => void,
  ): void {
    const respond = (outcome: ForwardOutcome): void => {
      const reply: PeerMessage = { kind: 'forwarded', run: message.run, id: message.id, outcome };
      if (!this.#peers.send(from, reply)) answer(reply);
    };
    this.#serve(message.namespaceId, message.item, message.secret, message.hops, from, {
      reply: (bytes) => respond({ kind: 'reply', reply: bytes }),
      fail: (error) => respond(failed(error)),
    });
  }

  /** A peer answered. What it was not asked, or too long ago, or by a process of this node that is gone, is nobody's. */
  settled(from: string, message: Extract<PeerMessage, { kind: 'forwarded' }>): void {
    if (message.run !== this.#run) return;
    for (const table of [this.#forwarded, this.#commands]) {
      const waiting = table.get(message.id);
      if (waiting?.to !== from) continue;
      table.take(message.id);
      waiting.done(message.outcome);
    }
  }

  /** A peer's connection broke: what it was asked may have been done. */
  lost(node: string): void {
    for (const table of [this.#forwarded, this.#commands]) {
      for (const [id, waiting] of table.entries()) {
        if (waiting.to === node && table.take(id) !== undefined)
          giveUp(waiting, 'Disconnected', `the connection to node ${node} broke`);
      }
    }
  }

  tick(now: number): void {
    for (; this.#oldest < this.#nextId; this.#oldest++) {
      const waiting = this.#forwarded.get(this.#oldest);
      if (waiting === undefined) continue;
      // Their time-outs are equal, so they end in the order in which they were asked.
      if (waiting.deadlineMs > now) break;
      this.#forwarded.take(this.#oldest);
      overdue(waiting);
    }
    if (this.#commands.size === 0) return;
    for (const [id, waiting] of this.#commands.entries()) {
      if (waiting.deadlineMs > now || this.#commands.take(id) === undefined) continue;
      overdue(waiting);
    }
  }
}

function order(a: PrimaryHint, b: PrimaryHint): number {
  return a.epoch - b.epoch || a.view - b.view;
}

function overdue(waiting: ForwardWaiter): void {
  giveUp(waiting, 'Timeout', `node ${waiting.to} did not answer in ${waiting.timeoutMs} ms`);
}

function giveUp(waiting: ForwardWaiter, code: 'Disconnected' | 'Timeout', message: string): void {
  waiting.done(failed(errorInfo(code, message, {}, waiting.mayExecute ? 'unknown' : 'definite')));
}

function failed(error: ErrorInfo): ForwardOutcome {
  return { kind: 'error', error };
}

/** A write that was handed to a peer may be executed, whatever becomes of the peer. */
function changes(item: ForwardItem): boolean {
  return item.kind !== 'read' && item.kind !== 'lookup';
}

/**
 * Whoever waits for a write that was given to one node and then to another: that the second did not execute it says nothing of the first
 * (V30). Only a reply settles it.
 */
class InDoubt implements Waiter {
  readonly #waiter: Waiter;

  constructor(waiter: Waiter) {
    this.#waiter = waiter;
  }

  reply(bytes: Uint8Array): void {
    this.#waiter.reply(bytes);
  }

  fail(error: ErrorInfo): void {
    this.#waiter.fail(error.outcome === 'unknown' ? error : { ...error, outcome: 'unknown' });
  }
}

function inDoubt(item: ForwardItem, waiter: Waiter): Waiter {
  return changes(item) && !(waiter instanceof InDoubt) ? new InDoubt(waiter) : waiter;
}

function serveOther(
  host: ReplicaHost,
  item: Exclude<ForwardItem, { kind: 'request' }>,
  secret: SessionSecret,
  waiter: Waiter,
): void {
  switch (item.kind) {
    case 'read':
      return host.read(waiter, readConsistency(item.consistency), item.operation);
    case 'register':
    case 'claim':
      return host.propose(waiter, encodeBody(item));
    case 'unregister':
      return host.propose(waiter, encodeBody({ kind: 'unregister', session: item.session, secret }));
    case 'keepAlive':
      return host.keepAlive(waiter, item.session, secret);
    case 'lookup':
    case 'admin':
      return waiter.fail(errorInfo('BadFrame', `${item.kind} is not for a replica`));
  }
}

export function readConsistency(consistency: Consistency): ReadConsistency {
  if (consistency.kind === 'linearizable') return 'linearizable';
  return { atLeast: consistency.kind === 'local' ? 0 : consistency.op };
}
