/**
 * Where a request goes: to the replica here when it can serve, else to the node that can, through a peer that reaches it when this
 * node does not (protocol §9.9). Whoever asks hears an answer or a time-out, once.
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
import type { DiskReserve } from '../replicas/disk-reserve.ts';
import type { Groups } from '../replicas/groups.ts';
import type { Job, Waiter } from '../replicas/job.ts';
import type { Peers } from '../peers/peers.ts';
import type { ReadConsistency, ReplicaHost } from '../replicas/replica-host.ts';
import { Hints } from './hints.ts';
import { Once } from './once.ts';

/** A request goes over at most so many nodes: here to a peer, from it to the primary, and one stale hint. */
const maxHops = 3;

type Forward = Extract<PeerMessage, { kind: 'forward' }>;
/** What is said to the node that is asked. */
type Question = Pick<Forward, 'namespaceId' | 'item' | 'secret' | 'hops'>;
type Done = (outcome: ForwardOutcome) => void;

/** Whoever waits for what was forwarded. */
interface ForwardWaiter {
  readonly to: string;
  readonly done: Done;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  /** A write that was handed to a peer may be executed, whatever becomes of the peer. */
  readonly mayExecute: boolean;
  readonly namespaceId: NamespaceId;
  /** Has it served elsewhere; null for what only that node can answer. */
  readonly again: (() => void) | null;
}

export interface RouterParts {
  readonly groups: Groups;
  readonly peers: Peers;
  readonly reserve: DiskReserve;
  readonly limits: Pick<Limits, 'maxPendingRequests'>;
  readonly times: Pick<NodeTimes, 'patienceMs' | 'commandMs'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** A number drawn at the start of this node's process. */
  readonly run: RunId;
  /** This turn has done enough for clients. */
  readonly tired: () => boolean;
}

export class Router {
  /** Where the primaries are. */
  readonly hints: Hints;
  readonly #parts: RouterParts;
  readonly #groups: Groups;
  readonly #peers: Peers;
  readonly #once = new Once();
  /** All with one time-out, so that they are overdue in their order. */
  readonly #forwarded = new Numbered<ForwardWaiter>();
  /** Below it no id is in `#forwarded`. */
  #oldest = 1;
  /** Admin commands, which are few and have more time. */
  readonly #commands = new Numbered<ForwardWaiter>();
  /** Answers to reads of peers that have much to read already, oldest first. A peer has at most `maxPendingRequests` of them asked. */
  readonly #held = new Map<string, (() => void)[]>();
  #nextId = 1;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#groups = parts.groups;
    this.#peers = parts.peers;
    this.hints = new Hints(parts.groups, parts.now);
  }

  get outstanding(): number {
    return this.#forwarded.size + this.#commands.size;
  }

  /** Takes in what a replica here knows of its primary; true when it is news. */
  learn(hint: PrimaryHint): boolean {
    const news = this.hints.learn(hint);
    if (news) this.#reroute(hint);
    return news;
  }

  /** What a peer says of a primary. */
  told(hint: PrimaryHint): void {
    if (this.hints.told(hint)) this.#reroute(hint);
  }

  /** The catalog changed: what was said before its time is judged now. */
  catalogChanged(): void {
    for (const hint of this.hints.takeEarly()) this.told(hint);
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

  /** Serves what is asked: here if it can be, else at another node. */
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
    const { item, secret, waiter } = job;
    switch (item.kind) {
      case 'request':
        // A full disk is no reason to keep back the reply of what was executed: the replica judges that first.
        return host.request(waiter, item, secret, this.#parts.reserve.refuses(item.operation));
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

  #forward(job: Job): void {
    const { namespaceId, item, secret, hops, waiter } = job;
    // This node's copy of the catalog may lag: only where the root group's primary is can it be said that there is no such namespace.
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
    // Whoever is asked next does not know what the one before made of it.
    const again = (): void => this.serve({ ...job, waiter: uncertain(item, waiter) });
    this.#ask(target, { namespaceId, item, secret, hops: hops + 1 }, done, again);
  }

  /** The node of the primary; else one that is connected and has a replica, which may reach or become it. */
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

  /** Nodes to which what concerns a namespace may go: what this node's catalog does not know, any other may. */
  nodesFor(namespaceId: NamespaceId): readonly string[] {
    return this.#groups.knows(namespaceId) ? this.#groups.nodesOf(namespaceId) : this.#peers.connectedNames();
  }

  /** Has something of the whole cluster done by one node, and says what came of it, once. */
  ask(node: string, item: ForwardItem, done: Done): void {
    this.#ask(node, { namespaceId: rootNamespaceId, item, secret: noSecret, hops: 1 }, done, null);
  }

  #ask(node: string, question: Question, done: Done, again: (() => void) | null): void {
    const { limits, times, now, run } = this.#parts;
    const limit = limits.maxPendingRequests;
    if (this.outstanding >= limit) {
      return done(
        failed(errorInfo('Overloaded', `${limit} forwarded requests are outstanding`, { limit, actual: limit + 1 })),
      );
    }
    const { namespaceId, item, secret, hops } = question;
    const id = this.#nextId++;
    if (!this.#peers.send(node, { kind: 'forward', run, id, hops, namespaceId, secret, item })) {
      return done(failed(errorInfo('NodeUnreachable', `node ${node} is not connected`, { node })));
    }
    const command = item.kind === 'admin';
    const timeoutMs = command ? times.commandMs : times.patienceMs;
    const waiter = {
      to: node,
      done,
      timeoutMs,
      deadlineMs: now() + timeoutMs,
      mayExecute: changes(item),
      namespaceId,
      again,
    };
    (command ? this.#commands : this.#forwarded).set(id, waiter);
  }

  /** True for the first copy of a forward: what comes of another one is for nobody. */
  takes(from: string, run: RunId, id: number): boolean {
    return this.#once.takes(from, run, id);
  }

  /** What a peer asks of this node. */
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
    this.serve({ namespaceId, item, secret, hops, from, waiter });
  }

  #hold(node: string, answer: () => void): void {
    const held = this.#held.get(node);
    if (held === undefined) this.#held.set(node, [answer]);
    else held.push(answer);
  }

  /** Makes what waited for room on the way to a peer. */
  #release(): void {
    for (const [node, held] of this.#held) {
      let next = 0;
      while (next < held.length && !this.#parts.tired() && !this.#peers.congested(node)) held[next++]!();
      if (next === held.length) this.#held.delete(node);
      else this.#held.set(node, held.slice(next));
    }
  }

  /** A peer answered. What it was not asked, or too long ago, or by a process of this node that is gone, is nobody's. */
  settled(from: string, message: Extract<PeerMessage, { kind: 'forwarded' }>): void {
    if (message.run !== this.#parts.run) return;
    for (const table of [this.#forwarded, this.#commands]) {
      const waiting = table.get(message.id);
      if (waiting?.to !== from) continue;
      table.take(message.id);
      waiting.done(message.outcome);
    }
  }

  /** A peer's connection broke: what it was asked may have been done. */
  lost(node: string): void {
    this.#held.delete(node);
    for (const table of [this.#forwarded, this.#commands]) {
      for (const [id, waiting] of table.entries()) {
        if (waiting.to === node && table.take(id) !== undefined)
          giveUp(waiting, 'Disconnected', `the connection to node ${node} broke`);
      }
    }
  }

  tick(now: number): void {
    if (this.#held.size > 0) this.#release();
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
