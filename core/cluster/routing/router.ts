/**
 * Decides where a request goes: to the replica here if it can serve the request, otherwise to the node that can, and
 * through another peer if this node does not reach that node (protocol §9.9). The waiter gets an answer or a time-out,
 * once.
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import { rootNamespaceId } from '../../base/ids.ts';
import type { NamespaceId, RunId } from '../../base/ids.ts';
import type { Limits } from '../../base/limits.ts';
import { Numbered } from '../../base/numbered.ts';
import { noSecret } from '../../base/session-secret.ts';
import { encodeBody } from '../../service/body.ts';
import type { Consistency } from '../../wire/api.ts';
import type { ForwardItem, ForwardOutcome, PeerMessage, PrimaryHint } from '../../wire/peer.ts';
import type { NodeTimes } from '../base/times.ts';
import type { Whereabouts } from './whereabouts.ts';
import type { Groups } from '../replicas/groups.ts';
import type { Resources } from '../replicas/resources.ts';
import type { Job, Waiter } from '../replicas/job.ts';
import type { Peers } from '../peers/peers.ts';
import type { ReadConsistency, ReplicaHost } from '../replicas/replica-host.ts';
import { Hints } from './hints.ts';
import { Once } from './once.ts';
import type { Asker } from './shares.ts';
import { Shares } from './shares.ts';

/**
 * A request passes at most this many nodes: from here to a peer, from the peer to the primary, and one more for a stale
 * hint.
 */
const maxHops = 3;

type Forward = Extract<PeerMessage, { kind: 'forward' }>;
/** The content of a question to another node. */
type Question = Pick<Forward, 'namespaceId' | 'item' | 'secret' | 'hops'> & { readonly asker: Asker };
type Done = (outcome: ForwardOutcome) => void;

/** Waits for the outcome of a forwarded question. */
interface ForwardWaiter {
  readonly to: string;
  readonly asker: Asker;
  readonly done: Done;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  /** True for a write that was handed to a peer. It may be executed, whatever happens to the peer. */
  readonly mayExecute: boolean;
  readonly namespaceId: NamespaceId;
  /** Has it served elsewhere. Null for a question that only that node can answer. */
  readonly again: (() => void) | null;
}

export interface RouterParts {
  readonly groups: Groups;
  readonly peers: Peers;
  readonly resources: Resources;
  readonly limits: Pick<Limits, 'maxPendingRequests'>;
  readonly times: Pick<NodeTimes, 'patienceMs' | 'commandMs'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** A number drawn at the start of this node's process. */
  readonly run: RunId;
  /** This turn has done enough for clients. */
  readonly tired: () => boolean;
  /** Learns through which node a session is heard of. */
  readonly whereabouts: Whereabouts;
}

export class Router {
  /** Where the primaries are. */
  readonly hints: Hints;
  readonly #parts: RouterParts;
  readonly #groups: Groups;
  readonly #peers: Peers;
  readonly #once = new Once();
  /** All have the same time-out, so they are overdue in their order. */
  readonly #forwarded = new Numbered<ForwardWaiter>();
  /** No lower id is in `#forwarded`. */
  #oldest = 1;
  /** Whose they are. */
  readonly #shares: Shares;
  /** Admin commands. They are few and have more time. */
  readonly #commands = new Numbered<ForwardWaiter>();
  /** Answers to reads of peers that have much to read already, oldest first. A peer has at most `maxPendingRequests` of them asked. */
  readonly #held = new Map<string, (() => void)[]>();
  #nextId = 1;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#groups = parts.groups;
    this.#peers = parts.peers;
    this.#shares = new Shares(parts.limits.maxPendingRequests);
    this.hints = new Hints(parts.groups, parts.now);
  }

  get outstanding(): number {
    return this.#forwarded.size + this.#commands.size;
  }

  /** Takes what a replica here knows about its primary. Returns true when it is new. */
  learn(hint: PrimaryHint): boolean {
    const news = this.hints.learn(hint);
    if (news) this.#reroute(hint);
    return news;
  }

  /** Takes what a peer says about a primary. */
  told(hint: PrimaryHint): void {
    if (this.hints.told(hint)) this.#reroute(hint);
  }

  /** Judges the hints that came before the catalog could judge them. */
  catalogChanged(): void {
    for (const hint of this.hints.takeEarly()) this.told(hint);
  }

  /**
   * A group has a new primary, so everything that an older one has not answered goes to the new one at once. Numbered
   * requests are executed once however often they are sent (protocol §7). Late answers of the old primary are ignored.
   * If this node cannot reach the new primary, the peer that was asked passes the request on by itself.
   */
  #reroute(hint: PrimaryHint): void {
    if (hint.node !== this.#groups.self() && !this.#peers.connected(hint.node)) return;
    const owed: [number, () => void][] = [];
    for (const [id, { namespaceId, to, again }] of this.#forwarded.entries()) {
      if (namespaceId === hint.namespaceId && to !== hint.node && again !== null) owed.push([id, again]);
    }
    for (const [id, again] of owed) {
      if (this.#end(this.#forwarded, id) !== undefined) again();
    }
  }

  /** Serves a job here if possible, otherwise at another node. */
  serve(job: Job): void {
    const { namespaceId, item } = job;
    const primary = this.#groups.primaryHost(namespaceId);
    if (primary !== null) return this.#serveHere(primary, job);
    if (item.kind === 'read') {
      const replica = this.#reader(namespaceId, item.consistency);
      if (replica !== null) return this.#serveHere(replica, job);
    }
    this.#forward(job);
  }

  #serveHere(host: ReplicaHost, job: Job): void {
    const { item, secret, waiter, namespaceId, from } = job;
    if (item.kind === 'request' || item.kind === 'keepAlive')
      this.#parts.whereabouts.heard(namespaceId, item.session, from);
    switch (item.kind) {
      case 'request': {
        // Even on a full disk, a request that was already executed gets its reply. So the replica judges that first.
        const taken = this.#parts.resources.takes(item.operation, waiter);
        return host.request(taken.waiter, item, secret, taken.refusal);
      }
      case 'read':
        return host.read(waiter, readConsistency(item.consistency), item.operation);
      case 'register':
      case 'bind': {
        const refused = this.#parts.resources.memory.refusesSessions();
        return refused === null ? host.propose(waiter, encodeBody(item)) : waiter.fail(refused);
      }
      case 'unregister':
        return host.propose(waiter, encodeBody({ kind: 'unregister', session: item.session, secret }));
      case 'keepAlive':
        return host.keepAlive(waiter, item, secret);
      case 'lookup':
      case 'admin':
        return waiter.fail(errorInfo('BadFrame', `${item.kind} is not for a replica`));
    }
  }

  /**
   * A replica here that can answer such a read. It answers a local read at once. It answers an at-least read if it has
   * applied that op, even without a primary. For other reads it needs the read index of a primary that it follows and
   * this node reaches (protocol §7).
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

  #forward(job: Job): void {
    const { namespaceId, item, secret, hops, from, asker, waiter } = job;
    // This node's copy of the catalog may lag. Only the root group's primary can say that a namespace does not exist.
    if (this.#groups.denies(namespaceId)) {
      return waiter.fail(errorInfo('UnknownNamespace', `Unknown namespace: there is none with id ${namespaceId}`));
    }
    const target = this.#target(job);
    if (target === null || hops >= maxHops) {
      return waiter.fail(errorInfo('NoPrimary', 'no primary of this namespace can be reached now', { namespaceId }));
    }
    const done = (outcome: ForwardOutcome): void => {
      if (outcome.kind === 'reply') waiter.reply(outcome.reply);
      else if (outcome.kind === 'error') waiter.fail(outcome.error);
      else waiter.fail(errorInfo('Internal', `a peer answered ${outcome.kind}`));
    };
    // The next node does not know what the previous one did with it.
    const again = (): void => this.serve({ ...job, waiter: uncertain(item, waiter) });
    this.#ask(target, { namespaceId, item, secret, hops: hops + 1, asker: from ?? asker ?? this }, done, again);
  }

  /** The node of the primary. Otherwise a connected node with a replica, which may reach the primary or become it. */
  #target({ namespaceId, hops, from }: Job): string | null {
    const self = this.#groups.self();
    const hint = this.hints.of(namespaceId);
    if (hint !== null && hint.node !== self && hint.node !== from && this.#peers.connected(hint.node)) return hint.node;
    const reachable = this.nodesFor(namespaceId).filter(
      (node) => node !== self && node !== from && this.#peers.connected(node),
    );
    if (reachable.length > 0) return reachable[(this.#nextId + hops) % reachable.length]!;
    return null;
  }

  /**
   * The nodes to which a question about a namespace may go. If this node's catalog does not know the namespace, any
   * node may.
   */
  nodesFor(namespaceId: NamespaceId): readonly string[] {
    return this.#groups.knows(namespaceId) ? this.#groups.nodesOf(namespaceId) : this.#peers.connectedNames();
  }

  /**
   * Asks one node about something of the whole cluster, and calls `done` once with the outcome.
   * @param asker the connection that asks. Left out: this node does.
   */
  ask(node: string, item: ForwardItem, done: Done, asker: Asker = this): void {
    this.#ask(node, { namespaceId: rootNamespaceId, item, secret: noSecret, hops: 1, asker }, done, null);
  }

  #ask(node: string, question: Question, done: Done, again: (() => void) | null): void {
    const { limits, times, now, run } = this.#parts;
    const { namespaceId, item, secret, hops, asker } = question;
    if (!this.#shares.takes(asker)) {
      const limit = limits.maxPendingRequests;
      const details = { limit, actual: this.outstanding + 1 };
      const text = `${this.outstanding} of ${limit} forwarded requests are outstanding, ${this.#shares.of(asker)} of them are this one's, and it leaves the others room`;
      return done(failed(errorInfo('Overloaded', text, details)));
    }
    const id = this.#nextId++;
    if (!this.#peers.send(node, { kind: 'forward', run, id, hops, namespaceId, secret, item })) {
      this.#shares.gives(asker);
      return done(failed(errorInfo('NodeUnreachable', `node ${node} is not connected`, { node })));
    }
    const command = item.kind === 'admin';
    const timeoutMs = command ? times.commandMs : times.patienceMs;
    const waiter = {
      to: node,
      asker,
      done,
      timeoutMs,
      deadlineMs: now() + timeoutMs,
      mayExecute: changes(item),
      namespaceId,
      again,
    };
    (command ? this.#commands : this.#forwarded).set(id, waiter);
  }

  /** No one waits for this any longer. */
  #end(table: Numbered<ForwardWaiter>, id: number): ForwardWaiter | undefined {
    const waiting = table.take(id);
    if (waiting !== undefined) this.#shares.gives(waiting.asker);
    return waiting;
  }

  /** True for the first copy of a forwarded question. No one waits for the answer to another copy. */
  takes(from: string, run: RunId, id: number): boolean {
    return this.#once.takes(from, run, id);
  }

  /** Serves a question of a peer. */
  receive(from: string, message: Forward, answer: (message: PeerMessage) => void): void {
    const { run, id, hops, namespaceId, secret, item } = message;
    const respond = (outcome: ForwardOutcome): void => {
      const reply: PeerMessage = { kind: 'forwarded', run, id, outcome };
      if (!this.#peers.send(from, reply)) answer(reply);
    };
    const waiter: Waiter = {
      reply: (bytes) => respond({ kind: 'reply', reply: bytes }),
      fail: (error) => respond(failed(error)),
      holder: (tired) =>
        tired || this.#peers.congested(from) ? (make) => this.#hold(from, () => waiter.reply(make())) : null,
    };
    this.serve({ namespaceId, item, secret, hops, from, asker: null, waiter });
  }

  #hold(node: string, answer: () => void): void {
    const held = this.#held.get(node);
    if (held === undefined) this.#held.set(node, [answer]);
    else held.push(answer);
  }

  /** Makes what waited for room on the way to a peer. */
  #release(): void {
    for (const [node, held] of [...this.#held]) {
      let next = 0;
      while (next < held.length && !this.#parts.tired() && !this.#peers.congested(node)) held[next++]!();
      this.#held.delete(node);
      // It had its turn, and the others come first at the next tick.
      if (next < held.length) this.#held.set(node, held.slice(next));
    }
  }

  /**
   * A peer answered. An answer is ignored if that peer was not asked, if it came too late, or if an earlier process of
   * this node asked.
   */
  settled(from: string, message: Extract<PeerMessage, { kind: 'forwarded' }>): void {
    if (message.run !== this.#parts.run) return;
    for (const table of [this.#forwarded, this.#commands]) {
      const waiting = table.get(message.id);
      if (waiting?.to !== from) continue;
      this.#end(table, message.id);
      waiting.done(message.outcome);
    }
  }

  /** A peer's connection broke. The peer may have done what it was asked. */
  lost(node: string): void {
    this.#held.delete(node);
    for (const table of [this.#forwarded, this.#commands]) {
      for (const [id, waiting] of table.entries()) {
        if (waiting.to === node && this.#end(table, id) !== undefined)
          giveUp(waiting, 'Disconnected', `the connection to node ${node} broke`);
      }
    }
  }

  tick(now: number): void {
    if (this.#held.size > 0) this.#release();
    for (; this.#oldest < this.#nextId; this.#oldest++) {
      const waiting = this.#forwarded.get(this.#oldest);
      if (waiting === undefined) continue;
      // The time-outs are equal, so they end in the order in which they began.
      if (waiting.deadlineMs > now) break;
      this.#end(this.#forwarded, this.#oldest);
      overdue(waiting);
    }
    if (this.#commands.size === 0) return;
    for (const [id, waiting] of this.#commands.entries()) {
      if (waiting.deadlineMs > now || this.#end(this.#commands, id) === undefined) continue;
      overdue(waiting);
    }
  }
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

/** True for a question that may change something, whatever happens to the peer that has it. */
function changes(item: ForwardItem): boolean {
  return item.kind !== 'read' && item.kind !== 'lookup';
}

/**
 * Waits for a write that was given to one node and then to another. If the second did not execute it, the first still
 * may have (V30). Only a reply settles it.
 */
class Uncertain implements Waiter {
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

function uncertain(item: ForwardItem, waiter: Waiter): Waiter {
  return changes(item) && !(waiter instanceof Uncertain) ? new Uncertain(waiter) : waiter;
}

export function readConsistency(consistency: Consistency): ReadConsistency {
  if (consistency.kind === 'linearizable') return 'linearizable';
  return { atLeast: consistency.kind === 'local' ? 0 : consistency.op };
}
