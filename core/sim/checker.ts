/**
 * What must always be true (protocol §9). The checker tests it while the simulator runs: against every message that a
 * replica sends, every entry that it applies, every reply that a client gets, and the state of the replicas after each
 * event.
 */

import { concatBytes, equalBytes } from '../base/bytes.ts';
import type { Incarnation, NamespaceId, Op } from '../base/ids.ts';
import { rootNamespaceId } from '../base/ids.ts';
import type { Hash } from '../base/ports.ts';
import { defaultLimits } from '../base/limits.ts';
import { Catalog } from '../cluster/catalog/catalog.ts';
import type { NodeObserver } from '../cluster/base/host.ts';
import type { ReplicaHost } from '../cluster/replicas/replica-host.ts';
import { decodeBody } from '../service/body.ts';
import type { Reply } from '../service/reply.ts';
import { decodeReply, encodeReply } from '../service/reply.ts';
import { Service } from '../service/service.ts';
import type { Operation } from '../tree/operation.ts';
import type { Tree } from '../tree/tree.ts';
import { compareViewstamps } from '../vr/configuration.ts';
import type { Viewstamp } from '../vr/configuration.ts';
import type { Entry } from '../vr/entry.ts';
import type { LogDescription, Message } from '../vr/messages.ts';
import type { ReplicaEvent, ReplicaIdentity, ReplicaView, StateMachine } from '../vr/ports.ts';
import type { Durability } from './durability.ts';
import { GroupHistory } from './group-history.ts';
import { executedAnswer } from './session-model.ts';

/** A rule of protocol §9 was broken. This seed found a bug in haret. */
export class RuleBroken extends Error {
  override readonly name = 'RuleBroken';
}

function rule(condition: boolean, number: number, what: string, facts: Readonly<Record<string, unknown>>): void {
  if (!condition) throw new RuleBroken(`rule ${number}: ${what} ${JSON.stringify(facts)}`);
}

/** Between an entry and the time that it gives there may be a tick, and what a paused process has not heard yet. */
const timeSlackMs = 1100;
/** A node has to notice an expiry, and the expiry has to pass through the log. */
const expiryGraceMs = 3000;

/** What one replica has said and done. `life` ends with its process. */
interface ReplicaRecord {
  readonly identity: ReplicaIdentity;
  applied: Op | null;
  checkpoint: number;
  commit: Op;
  announced: Viewstamp;
  /** The log that its newest DoViewChange described. */
  told: LogDescription | null;
}

export class Checker {
  readonly #groups = new Map<NamespaceId, GroupHistory>();
  readonly #replicas = new Map<string, ReplicaRecord>();
  /** The same records by the identity object of a running replica, because we look them up after every event. */
  #seen = new WeakMap<ReplicaIdentity, ReplicaRecord>();
  /** For each replica, the incarnation that spoke first. */
  readonly #incarnations = new Map<string, Incarnation>();
  readonly #hosts: (node: string) => readonly ReplicaHost[];
  readonly #hash: Hash;
  readonly #durability: Durability;
  readonly #nowMs: () => number;
  /** Told after each entry that is committed. */
  onCommit: ((namespace: NamespaceId) => void) | null = null;

  /**
   * @param hosts the replicas that run on a node now; @param nowMs the time of the world, which no node's clock shows.
   */
  constructor(
    hosts: (node: string) => readonly ReplicaHost[],
    hash: Hash,
    durability: Durability,
    nowMs: () => number,
  ) {
    this.#nowMs = nowMs;
    this.#hosts = hosts;
    this.#hash = hash;
    this.#durability = durability;
  }

  /** The last op of a namespace that is known to be committed. */
  committedOp(namespace: NamespaceId): number {
    return this.#groups.get(namespace)?.op ?? 0;
  }

  /** The tree of a namespace after `op`, from the replay of its committed log. */
  treeAt(namespace: NamespaceId, op: Op): Tree | null {
    const group = this.#groups.get(namespace);
    return group?.at(op)?.tree ?? null;
  }

  /** How often a body was executed in a namespace. */
  executions(namespace: NamespaceId, body: Uint8Array): number {
    return this.#groups.get(namespace)?.bodies.get(this.#hash.digest(body)) ?? 0;
  }

  observer(): NodeObserver {
    return {
      applied: (replica, entry, reply) => this.#applied(replica, entry, reply),
      restored: (replica, op) => this.#restored(replica, op),
      event: (replica, event) => this.#event(replica, event),
      sent: (_to, message) => this.#sent(message),
      received: () => undefined,
    };
  }

  /** The node's process ended. What its replicas held only in memory is gone. What they said still counts. */
  died(node: string): void {
    for (const [key, record] of this.#replicas) {
      if (key.startsWith(`${node}/`)) {
        record.applied = null;
        record.commit = 0;
      }
    }
  }

  /**
   * A node's disk was damaged. A replica that is no longer `proven` may have forgotten what it said, until it counts
   * again (protocol §2).
   */
  spoilt(node: string, proven: (identity: ReplicaIdentity) => boolean): void {
    for (const [key, { identity }] of [...this.#replicas]) {
      if (identity.node !== node || proven(identity)) continue;
      this.#replicas.delete(key);
      this.#seen = new WeakMap();
      this.#record(identity).applied = null;
    }
  }

  #record(identity: ReplicaIdentity): ReplicaRecord {
    const seen = this.#seen.get(identity);
    if (seen !== undefined) return seen;
    const key = keyOf(identity);
    let record = this.#replicas.get(key);
    if (record === undefined) {
      const none = { epoch: 0, view: 0 };
      record = {
        identity,
        applied: 0,
        checkpoint: 0,
        commit: 0,
        announced: none,
        told: null,
      };
      this.#replicas.set(key, record);
    }
    this.#seen.set(identity, record);
    return record;
  }

  #group(namespace: NamespaceId): GroupHistory {
    let group = this.#groups.get(namespace);
    if (group === undefined) {
      group = new GroupHistory(this.#referenceFor(namespace));
      this.#groups.set(namespace, group);
    }
    return group;
  }

  #referenceFor(namespace: NamespaceId): StateMachine {
    if (namespace === rootNamespaceId) return new Catalog();
    const catalog = this.#groups.get(rootNamespaceId)?.reference as Catalog | undefined;
    const record = catalog?.namespaceById(namespace);
    rule(record !== undefined, 1, 'a group exists that the catalog never made', { namespace });
    return new Service(record!.limits, defaultLimits);
  }

  #applied(identity: ReplicaIdentity, entry: Entry, reply: Uint8Array): void {
    const group = this.#group(identity.namespace);
    const record = this.#record(identity);
    const facts = { replica: identity.replica, node: identity.node, namespace: identity.namespace, op: entry.op };
    rule(record.applied === null || entry.op === record.applied + 1, 4, 'applied out of order', {
      ...facts,
      last: record.applied,
    });
    record.applied = entry.op;
    if (entry.op === group.op + 1) this.#commit(group, entry, facts);
    const known = group.at(entry.op);
    rule(known !== undefined, 4, 'an op was applied before those below it', { ...facts, known: group.op });
    rule(known!.checksum === entry.checksum, 1, 'two entries were committed at one op', facts);
    rule(equalBytes(known!.reply, reply), 4, 'a replica answered an op differently than the replay', facts);
  }

  #commit(
    group: GroupHistory,
    entry: Entry,
    facts: Readonly<Record<string, unknown>> & { readonly namespace: NamespaceId },
  ): void {
    const digest = this.#hash.digest(entry.body);
    const living = entry.session === 0 ? livingBefore(group.reference, entry) : [];
    // Bodies are views of frames and segments. They must not change while the replay still needs them.
    const reply = group.reference.apply(entry).slice();
    for (const id of living)
      rule(hasSession(group.reference, id), 4, 'a registration ended a session that is alive', {
        ...facts,
        session: id,
      });
    if (entry.session !== 0) {
      // We judge by the reply alone: a reply of this op that is not an error says that the request was executed now.
      const { op, answer } = decodeReply(reply);
      if (op === entry.op && answer.kind !== 'error') {
        const executed = `${entry.session}/${entry.request}`;
        rule(!group.executed.has(executed), 4, 'a request was executed twice', {
          ...facts,
          session: entry.session,
          request: entry.request,
        });
        group.executed.add(executed);
        group.bodies.set(digest, (group.bodies.get(digest) ?? 0) + 1);
      }
    }
    this.#time(group, entry, facts);
    this.#sessions(group, entry, reply, facts);
    const tree = group.reference instanceof Service ? group.reference.tree : null;
    group.committed.push({ checksum: entry.checksum, digest, reply, tree });
    this.onCommit?.(facts.namespace);
  }

  /**
   * The replicated clock never goes back and never runs ahead of real time, or a lease would end early (protocol §7).
   */
  #time(group: GroupHistory, { timestamp, checksum }: Entry, facts: Readonly<Record<string, unknown>>): void {
    rule(timestamp >= group.timestamp, 7, 'time goes back in the log', {
      ...facts,
      timestamp,
      before: group.timestamp,
    });
    group.timestamp = timestamp;
    const madeAtMs = group.madeAtMs.get(checksum);
    if (madeAtMs === undefined) return;
    group.madeAtMs.delete(checksum);
    const lagMs = madeAtMs - timestamp;
    rule(lagMs >= group.lagMs - timeSlackMs, 7, "the log's time runs ahead of real time", {
      ...facts,
      timestamp,
      lagMs,
      before: group.lagMs,
    });
    group.lagMs = Math.max(group.lagMs, lagMs);
  }

  #sessions(group: GroupHistory, entry: Entry, bytes: Uint8Array, facts: Readonly<Record<string, unknown>>): void {
    const { sessions, reference } = group;
    if (sessions === null || !(reference instanceof Service)) return;
    const changed = sessions.entry(entry, executedAnswer(entry.op, bytes), this.#nowMs());
    const wrong = group.judge(entry, reference, sessions);
    rule(wrong === null, 7, wrong ?? '', facts);
    if (!changed) return;
    const differs = sessions.differs(reference.newestSessions(Number.MAX_SAFE_INTEGER));
    rule(differs === null, 7, 'the sessions differ from those that should exist', { ...facts, differs });
  }

  /** No session is kept for ever without a sign of life. */
  sessionsExpired(): boolean {
    const now = this.#nowMs();
    return [...this.#groups.values()].every(
      ({ sessions }) => (sessions?.overdue(now, expiryGraceMs) ?? []).length === 0,
    );
  }

  #restored(identity: ReplicaIdentity, op: Op): void {
    const record = this.#record(identity);
    const group = this.#group(identity.namespace);
    const facts = { replica: identity.replica, node: identity.node, namespace: identity.namespace, op };
    rule(op <= group.op, 4, 'a state was restored at an op that is not known to be committed', {
      ...facts,
      known: group.op,
    });
    record.applied = op;
  }

  #event(identity: ReplicaIdentity, event: ReplicaEvent): void {
    if (event.kind !== 'committed') return;
    const host = this.#hosts(identity.node).find(
      (one) => one.namespaceId === identity.namespace && one.replicaName === identity.replica,
    );
    if (host === undefined) return;
    const { op, by } = event;
    const held = this.#durability.missing({ identity, op, by, voters: host.view().configuration.voters });
    rule(held === null, 4, 'an op was committed that is not durable on a quorum', {
      ...{ replica: identity.replica, node: identity.node, namespace: identity.namespace, op },
      held,
    });
  }

  #sent(message: Message): void {
    const name = `${message.namespace}/${message.replica}`;
    const first = this.#incarnations.get(name) ?? message.incarnation;
    this.#incarnations.set(name, first);
    rule(first === message.incarnation, 6, 'a node that lost its disk speaks as if it had the old one', {
      node: message.node,
      replica: message.replica,
    });
    if (message.kind === 'prepare') {
      const group = this.#group(message.namespace);
      for (const entry of message.entries) {
        const key = `${entry.epoch}/${entry.view}/${entry.op}`;
        const known = group.headers.get(key);
        if (known === undefined) {
          group.headers.set(key, entry.checksum);
          if (message.view === entry.view) group.madeAtMs.set(entry.checksum, this.#nowMs());
        } else
          rule(known === entry.checksum, 1, 'two headers for one (epoch, view, op)', {
            namespace: message.namespace,
            op: entry.op,
          });
      }
    }
    if (message.kind === 'prepareOk' || message.kind === 'doViewChange' || message.kind === 'startView') {
      const identity = { ...message, incarnation: message.incarnation };
      const record = this.#record(identity);
      const said = { epoch: message.epoch, view: message.view };
      rule(compareViewstamps(said, record.announced) >= 0, 2, 'a replica spoke in an older view than before', {
        ...identity,
        said,
      });
      // Only the primary's StartView waits for its view to be durable (protocol §2). A power cut may take back any
      // other replica's.
      const key = `${message.epoch}/${message.view}`;
      if (message.kind !== 'startView' || this.#group(message.namespace).primaries.get(key) === message.replica)
        record.announced = said;
      if (message.kind === 'doViewChange') this.#voted(record, message.log, identity);
    }
  }

  /**
   * When a replica has voted with a log, that log stays as it is until one of a newer log_view takes its place, even
   * over crashes (protocol §2).
   */
  #voted(record: ReplicaRecord, log: LogDescription, identity: ReplicaIdentity): void {
    const before = record.told;
    record.told = log;
    if (before === null || compareViewstamps(before.logView, log.logView) !== 0) return;
    const facts = {
      replica: identity.replica,
      node: identity.node,
      namespace: identity.namespace,
      log_view: log.logView,
    };
    rule(before.head === log.head, 5, 'two heads of one log_view were told', {
      ...facts,
      before: before.head,
      now: log.head,
    });
    for (let op = Math.max(before.floor, log.floor) + 1; op <= log.head; op++) {
      const same = before.checksums[op - before.floor - 1] === log.checksums[op - log.floor - 1];
      rule(same, 5, 'two logs of one log_view were told', { ...facts, op });
    }
  }

  /** Looks at the replicas of a node after an event. */
  afterEvent(node: string): void {
    for (const host of this.#hosts(node)) {
      if (host.stopped) throw new RuleBroken(`replica ${host.name} on ${node} broke an invariant and stopped`);
      this.#look(host.view());
    }
  }

  #look(view: ReplicaView): void {
    const { identity } = view;
    const record = this.#record(identity);
    const { announced, checkpoint, commit } = record;
    // This runs after every event, so the facts of a failure are put together only when there is one.
    const broken = brokenBy(view, record);
    if (broken !== null) {
      const { replica, node, namespace } = identity;
      const before = { view: announced, checkpoint, commit };
      rule(false, broken[0], broken[1], { replica, node, namespace, ...positions(view), before });
    }
    record.checkpoint = view.checkpointOp;
    record.commit = view.commit;
    if (view.isPrimary) this.#leads(identity, view.view);
  }

  #leads({ namespace, node, replica }: ReplicaIdentity, { epoch, view }: Viewstamp): void {
    const { primaries } = this.#group(namespace);
    const key = `${epoch}/${view}`;
    const known = primaries.get(key);
    if (known === replica) return;
    rule(known === undefined, 1, 'two primaries in one view', { replica, node, namespace, key, known });
    primaries.set(key, replica);
  }

  /** A client got this reply to a write with this body (protocol §9.3, §9.7). */
  acknowledged(namespace: NamespaceId, body: Uint8Array, reply: Reply): void {
    const known = this.#groups.get(namespace)?.at(reply.op);
    const facts = { namespace, op: reply.op };
    rule(known !== undefined, 3, 'a write was acknowledged that is not committed', facts);
    rule(known!.digest === this.#hash.digest(body), 7, "a write was answered with another one's reply", facts);
    rule(equalBytes(known!.reply, encodeReply(reply)), 7, 'a write was answered otherwise than by the replay', facts);
  }

  /**
   * What one client asked in order happened in order: the ops of its answers rise in the order of its requests
   * (protocol §7).
   */
  inOrder(asked: readonly { readonly serial: number; readonly op: Op }[]): void {
    for (let i = 1; i < asked.length; i++) {
      const [before, after] = [asked[i - 1]!, asked[i]!];
      rule(before.op < after.op, 7, 'requests did not happen in the order in which the client made them', {
        before,
        after,
      });
    }
  }

  /**
   * A client read this in the state after `reply.op`. `floor` is the highest op that any client knew of before the read
   * began.
   */
  wasRead(namespace: NamespaceId, operation: Operation, reply: Reply, floor: number): void {
    const facts = { namespace, op: reply.op, floor, kind: operation.kind };
    rule(reply.op >= floor, 3, 'a read went back in time', facts);
    rule(reply.op <= this.committedOp(namespace), 3, 'a read saw what is not committed', facts);
    const tree = this.treeAt(namespace, reply.op);
    if (tree === null) return;
    const expected = tree.read(operation);
    const answer: Reply['answer'] = expected.ok
      ? { kind: 'result', result: expected.value }
      : { kind: 'error', error: expected.error };
    rule(
      equalBytes(encodeReply({ ...reply, answer }), encodeReply(reply)),
      7,
      'a read saw another state than the replay',
      facts,
    );
  }

  /** At rest, when all replicas have caught up: equal op, equal state. */
  finalStates(hosts: readonly ReplicaHost[]): void {
    const seen = new Map<string, { readonly by: string; readonly state: Uint8Array }>();
    for (const host of hosts) {
      const { applied } = host.view();
      const key = `${host.namespaceId}/${applied}`;
      const state = stateOf(host.machine);
      const other = seen.get(key);
      if (other === undefined) seen.set(key, { by: host.name, state });
      else
        rule(equalBytes(other.state, state), 4, 'equal op, different state', {
          op: applied,
          one: other.by,
          other: host.name,
        });
      const group = this.#group(host.namespaceId);
      if (applied === group.op) {
        rule(equalBytes(stateOf(group.reference), state), 4, 'the state is not that of the replay', {
          op: applied,
          replica: host.name,
        });
      }
    }
  }
}

/**
 * Sessions that gave a sign of life within a tenth of their time, if this entry makes a session where there is no room
 * for one.
 */
function livingBefore(machine: StateMachine, entry: Entry): readonly number[] {
  if (!(machine instanceof Service) || machine.sessionCount < machine.limits.maxSessions) return [];
  if (decodeBody(entry.body).kind !== 'register') return [];
  const sinceMs = Math.max(0, entry.timestamp - machine.timestamp);
  return machine
    .newestSessions(machine.sessionCount)
    .filter(({ idleMs }) => (idleMs + sinceMs) * 10 < machine.limits.sessionMs)
    .map(({ id }) => id);
}

function hasSession(machine: StateMachine, id: number): boolean {
  return machine instanceof Service && machine.newestSessions(machine.sessionCount).some((one) => one.id === id);
}

/** The rule that a replica breaks in its current state, by its number and in words; null when it breaks none. */
function brokenBy(view: ReplicaView, before: ReplicaRecord): readonly [number, string] | null {
  if (compareViewstamps(view.view, before.announced) < 0) return [2, 'the view went down'];
  if (compareViewstamps(view.logView, view.view) > 0) return [5, 'log_view is above the view'];
  if (view.checkpointOp < before.checkpoint) return [2, 'the checkpoint went down'];
  if (view.commit < before.commit) return [2, 'the commit number went down'];
  const inOrder = view.applied <= view.commit && view.commit <= view.head;
  return inOrder ? null : [4, 'applied, commit and head are out of order'];
}

function positions({ head, commit, applied, checkpointOp, view, logView }: ReplicaView): Record<string, unknown> {
  return { head, commit, applied, checkpointOp, view, logView };
}

function stateOf(machine: StateMachine): Uint8Array {
  const snapshot = machine.snapshot();
  const parts: Uint8Array[] = [];
  for (let part = snapshot.next(65_536); part !== null; part = snapshot.next(65_536)) parts.push(part.slice());
  return concatBytes(parts);
}

function keyOf({ node, namespace, replica }: Pick<ReplicaIdentity, 'node' | 'namespace' | 'replica'>): string {
  return `${node}/${namespace}/${replica}`;
}
