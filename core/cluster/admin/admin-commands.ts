/** Runs each admin command (docs/language.md) on this node or, if another node must run it, there. */

import { hexFromBytes, utf8Length } from '../../base/bytes.ts';
import { fail, ok } from '../../base/errors.ts';
import type { ErrorInfo, Result } from '../../base/errors.ts';
import { rootNamespaceId } from '../../base/ids.ts';
import { Service } from '../../service/service.ts';
import { serviceLimitsOf } from '../../service/limits.ts';
import type { Member } from '../../vr/configuration.ts';
import type { AdminCommand, AdminResult, Placement, ReplicaStatusInfo } from '../../wire/admin.ts';
import type { NamespaceRecord } from '../catalog/catalog-messages.ts';
import type { AdminCounters } from './admin-connection.ts';
import type { Attendance } from './attendance.ts';
import type { AdminAsker } from './judgement.ts';
import { isLogLevel, judgeAdmin } from './judgement.ts';
import type { Notices } from '../base/notices.ts';
import type { Groups } from '../replicas/groups.ts';
import type { MetricSample, NodeOptions, NodePorts } from '../base/host.ts';
import type { NodeTimes } from '../base/times.ts';
import { nodeTimes } from '../base/times.ts';
import type { Joining } from './joining.ts';
import type { Peers } from '../peers/peers.ts';
import type { ReplicaHost } from '../replicas/replica-host.ts';
import type { Router } from '../routing/router.ts';

/** Commands that one connection may have outstanding. */
const maxOutstanding = 256;
/** Each node has one replica of the root group, besides those of namespaces. */
const rootReplicas = 1;
/** The admin interface carries names and values up to these bounds (core/wire/admin.ts). */
const maxPairs = 65_536;
const maxMembersTold = 4096;
const maxNameBytes = 256;
const maxValueBytes = 4096;

export type AdminDone = (result: Result<AdminResult>) => void;

/** What the commands work on. */
export interface AdminParts {
  readonly ports: NodePorts;
  readonly options: NodeOptions;
  readonly groups: Groups;
  readonly peers: Peers;
  readonly router: Router;
  readonly joining: Joining;
  readonly counters: AdminCounters;
  readonly notices: Notices;
  metrics(): readonly MetricSample[];
  /** Why this node serves no client now, or null when it does. */
  readonly refusal: () => ErrorInfo | null;
  /** Which nodes are missing. */
  readonly attendance: Attendance;
  /** Checks at each tick, and calls back once `check` is true or the time is over. */
  readonly until: (check: () => boolean, timeoutMs: number, done: () => void) => void;
}

export class AdminCommands {
  readonly #parts: AdminParts;
  readonly #times: NodeTimes;
  #logLevel = 'info';

  constructor(parts: AdminParts) {
    this.#parts = parts;
    this.#times = nodeTimes(parts.options.timing);
  }

  /** A command that came over a connection of this node's admin interface. */
  asked(command: AdminCommand, outstanding: number, done: AdminDone): void {
    this.#judge({ forwarded: false, outstanding, maxOutstanding, refusal: this.#parts.refusal }, command, done);
  }

  /** The same, that another node was asked and cannot do: it is not sent on again. */
  sentOn(command: AdminCommand, done: AdminDone): void {
    const asker = { forwarded: true, outstanding: 0, maxOutstanding, refusal: this.#parts.refusal };
    this.#judge(asker, command, done);
  }

  #judge(asker: AdminAsker, command: AdminCommand, done: AdminDone): void {
    const error = judgeAdmin(asker, command);
    if (error === null) return this.#run(command, asker.forwarded, done);
    const { counters, notices } = this.#parts;
    counters.refused++;
    const kind = `admin ${command.kind}: ${error.code}`;
    notices.tell('info', kind, 'refused an admin command', { command: command.kind, problem: error.message });
    done({ ok: false, error });
  }

  #run(command: AdminCommand, forwarded: boolean, done: AdminDone): void {
    switch (command.kind) {
      case 'clusterJoin':
        return this.#atRoot(command, forwarded, done, () =>
          this.#parts.joining.join(command.node, command.address, (joined) =>
            done(joined.ok ? ok({ kind: 'ok' }) : joined),
          ),
        );
      case 'createNamespace':
        return this.#atRoot(command, forwarded, done, () => this.#createNamespace(command, done));
      case 'clusterStatus':
        return done(ok(this.#clusterStatus()));
      case 'namespaces':
        return done(ok(this.#namespaces()));
      case 'replica':
        return this.#replica(command, forwarded, done);
      case 'primary':
        return this.#primary(command, forwarded, done);
      case 'config':
        return done(ok(pairs(this.#parts.options.describedConfig)));
      case 'metrics':
        return done(ok(this.#metrics(command.prefix)));
      case 'logLevel':
        return done(this.#setLogLevel(command.level));
      case 'ping':
        return done(ok({ kind: 'ok' }));
    }
  }

  /** Runs a command that changes the catalog at the primary of the root group. */
  #atRoot(command: AdminCommand, forwarded: boolean, done: AdminDone, here: () => void): void {
    const { groups, options } = this.#parts;
    const voters = groups.record?.root.voters;
    if (voters === undefined || voters.some((member) => member.node === options.name)) return here();
    if (forwarded) return done(fail('NoPrimary', 'the root group has no primary here'));
    this.#askRoot(voters[0]!.node, command, done);
  }

  #askRoot(node: string, command: AdminCommand, done: AdminDone): void {
    const { attendance, peers, until } = this.#parts;
    const ask = (): void => {
      if (peers.connected(node)) return this.#askNode(node, command, done);
      done(fail('NodeUnreachable', rootAway(node, attendance.why(node)), { node }));
    };
    if (peers.connected(node)) ask();
    else until(() => peers.connected(node), this.#times.connectMs, ask);
  }

  /** Asks another node. A node that has just joined or started is about to be connected, so we wait a little for it. */
  #askNode(node: string, command: AdminCommand, done: AdminDone): void {
    const { peers, router, until } = this.#parts;
    const ask = (): void =>
      router.ask(node, { kind: 'admin', command }, (outcome) => {
        if (outcome.kind === 'admin') done(ok(outcome.result));
        else if (outcome.kind === 'error') done({ ok: false, error: outcome.error });
        else done(fail('Internal', `node ${node} answered ${outcome.kind}`));
      });
    if (peers.connected(node)) ask();
    else until(() => peers.connected(node), this.#times.connectMs, ask);
  }

  #createNamespace(command: Extract<AdminCommand, { kind: 'createNamespace' }>, done: AdminDone): void {
    const { joining, options, ports } = this.#parts;
    const elsewhere = command.replicas.find(({ node }) => node !== options.name);
    if (this.#parts.groups.record === null && elsewhere !== undefined) return done(notInCluster(elsewhere));
    joining.inCluster((ready) => {
      if (!ready.ok) return done(ready);
      const members = this.#members(command.replicas);
      if (!members.ok) return done(members);
      const entry = {
        kind: 'createNamespace',
        name: command.namespace,
        nonce: hexFromBytes(ports.random.bytes(16)),
        replicas: members.value,
        limits: serviceLimitsOf(options.limits, options.timing.sessionMs),
        allowSmall: command.allowSmall,
      } as const;
      joining.propose(entry, (created) => {
        if (!created.ok) return done(created);
        // It exists now. The client that asked should also find it working, if its nodes are up.
        const working = (): boolean => this.#parts.router.hints.of(created.value) !== null;
        this.#parts.until(working, this.#times.firstPrimaryMs, () => done(ok({ kind: 'ok' })));
      });
    });
  }

  #members(placements: readonly Placement[]): Result<readonly Member[]> {
    const { maxReplicas } = this.#parts.options.limits;
    const members: Member[] = [];
    for (const { replica, node, address } of placements) {
      const known = this.#parts.groups.catalog?.node(node);
      if (known === undefined || known.ejected) {
        return notInCluster({ node, address });
      }
      const here = placements.filter((one) => one.node === node).length;
      const more = (this.#parts.groups.catalog?.replicasOn(node) ?? 0) + here + rootReplicas;
      if (more > maxReplicas) {
        const details = { node, limit: maxReplicas, actual: more };
        return fail(
          'LimitExceeded',
          `node ${node} would run ${more} replicas; max_replicas is ${maxReplicas}`,
          details,
        );
      }
      if (address !== '' && known.clusterAddress !== address) {
        return fail('NodeNotFound', `node ${node} is at ${known.clusterAddress}, not at ${address}`, { node });
      }
      members.push({ replica, node, incarnation: known.incarnation, address: known.clusterAddress });
    }
    return ok(members);
  }

  #clusterStatus(): AdminResult {
    const { groups, options, peers } = this.#parts;
    const { catalog, record } = groups;
    const self = options.name;
    const recorded = catalog === null || catalog.nodes.length === 0 ? (record?.nodes ?? []) : catalog.nodes;
    // A node whose joining did not finish is connected, but not in the catalog.
    const others = peers.known.filter((peer) => !recorded.some((node) => node.name === peer.name));
    const nodes = [...recorded, ...others].slice(0, maxMembersTold);
    // A node that has lost its log knows no nodes. It can still report that something is wrong with itself.
    const { attendance } = this.#parts;
    if (nodes.length === 0 && attendance.of(self) !== null) nodes.push(this.#parts.joining.self);
    return {
      kind: 'clusterStatus',
      cluster: record?.cluster ?? null,
      node: self,
      members: nodes.map((node) => ({
        node: node.name,
        address: node.clusterAddress,
        apiAddress: node.apiAddress,
        state: attendance.of(node.name) ?? catalog?.nodeState(node.name) ?? 'unknown',
        connected: node.name === self || peers.connected(node.name),
        self: node.name === self,
      })),
      warnings: attendance.warnings(),
    };
  }

  #namespaces(): AdminResult {
    const namespaces = (this.#parts.groups.catalog?.namespaces ?? []).map((one) => ({
      namespace: one.name,
      namespaceId: one.id,
      replicas: one.replicas.map((member) => ({ replica: member.replica, node: member.node, address: member.address })),
      primary: this.#primaryText(one),
    }));
    return { kind: 'namespaces', namespaces };
  }

  #primaryText(namespace: NamespaceRecord): string | null {
    const hint = this.#parts.router.hints.of(namespace.id);
    const member = namespace.replicas.find((one) => one.replica === hint?.replica);
    // A primary that this node cannot reach is not named as one.
    if (member === undefined || !this.#reaches(member.node)) return null;
    return `${namespace.name}::${member.replica}::${member.node}@${this.#addressOf(member)}`;
  }

  #reaches(node: string): boolean {
    return node === this.#parts.options.name || this.#parts.peers.connected(node);
  }

  #addressOf(member: Member): string {
    return this.#parts.groups.catalog?.node(member.node)?.clusterAddress ?? member.address;
  }

  #primary(command: Extract<AdminCommand, { kind: 'primary' }>, forwarded: boolean, done: AdminDone): void {
    const namespace = this.#parts.groups.catalog?.namespaceByName(command.namespace);
    if (namespace === undefined) return this.#unknown(command, forwarded, done);
    done(ok({ kind: 'primary', primary: this.#primaryText(namespace) }));
  }

  /** This node's copy of the catalog may lag. Only the root group's primary knows that a namespace does not exist. */
  #unknown(command: AdminCommand & { readonly namespace: string }, forwarded: boolean, done: AdminDone): void {
    const { groups, peers } = this.#parts;
    const voter = groups.nodesOf(rootNamespaceId).find((node) => peers.connected(node));
    if (!groups.knowsAllNamespaces() && !forwarded && voter !== undefined) return this.#askNode(voter, command, done);
    done(fail('UnknownNamespace', 'Unknown namespace', { namespace: command.namespace }));
  }

  #replica(command: Extract<AdminCommand, { kind: 'replica' }>, forwarded: boolean, done: AdminDone): void {
    const { groups, options } = this.#parts;
    const namespace = groups.catalog?.namespaceByName(command.namespace);
    if (namespace === undefined) return this.#unknown(command, forwarded, done);
    const member = namespace.replicas.find((one) => one.replica === command.replica);
    if (member === undefined || (command.node !== '' && command.node !== member.node)) {
      const at = command.node === '' ? '' : ` on node ${command.node}`;
      return done(fail('ReplicaNotFound', `namespace ${namespace.name} has no replica ${command.replica}${at}`));
    }
    if (member.node !== options.name) {
      if (forwarded) return done(fail('ReplicaNotFound', `replica ${command.replica} is not on node ${options.name}`));
      return this.#askNode(member.node, command, done);
    }
    const host = groups.find(namespace.id, member.replica);
    if (host === null)
      return done(fail('ReplicaNotFound', `replica ${command.replica} is not running on node ${options.name}`));
    done(ok({ kind: 'replica', replica: this.#describe(namespace, member, host) }));
  }

  #describe(namespace: NamespaceRecord, member: Member, host: ReplicaHost): ReplicaStatusInfo {
    const view = host.view();
    const { machine } = host;
    const stats = machine instanceof Service ? machine.stats() : null;
    const { primary } = view;
    return {
      namespace: namespace.name,
      namespaceId: namespace.id,
      replica: member.replica,
      node: member.node,
      address: this.#addressOf(member),
      status: view.status,
      primary:
        primary === null ? null : `${namespace.name}::${primary.replica}::${primary.node}@${this.#addressOf(primary)}`,
      isPrimary: view.isPrimary,
      epoch: view.view.epoch,
      view: view.view.view,
      logEpoch: view.logView.epoch,
      logView: view.logView.view,
      head: view.head,
      commit: view.commit,
      applied: view.applied,
      checkpointOp: view.checkpointOp,
      logFirst: view.logFirst,
      sessions: stats?.sessions ?? 0,
      keys: stats?.keys ?? 0,
      bytes: stats?.treeBytes ?? 0,
    };
  }

  #metrics(prefix: string): AdminResult {
    const samples = this.#parts
      .metrics()
      .map(({ name, labels, value }) => {
        const inside = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
        return { name: inside.length === 0 ? name : `${name}{${inside.join(',')}}`, value: String(value) };
      })
      .filter(({ name }) => name.startsWith(prefix));
    return pairs(samples);
  }

  /** The level in force, when none is named. */
  #setLogLevel(level: string): Result<AdminResult> {
    if (isLogLevel(level)) {
      this.#logLevel = level;
      this.#parts.options.setLogLevel(level);
    }
    return ok({ kind: 'text', text: this.#logLevel });
  }
}

/**
 * The message for a root group whose node is away. Without that node no change to the catalog is possible, not even the
 * joins with which an operator would mend it.
 */
function rootAway(node: string, why: string | null): string {
  const reason = why === null ? '' : ` (${why})`;
  return `node ${node} is not connected${reason}: it founded the cluster and has the only voter of the root group, so nothing can be created and no node can join until it is back with the data directory that it had`;
}

function notInCluster({ node, address }: Pick<Placement, 'node' | 'address'>): ReturnType<typeof fail> {
  const how = `take it in with \`cluster join ${node}@${address === '' ? 'HOST:PORT' : address}\``;
  return fail('NodeNotFound', `node ${node} is not in the cluster; ${how}`, { node });
}

/**
 * Keeps as many pairs as an answer carries, and cuts each name and value to its bound. A path in a label may be longer.
 */
function pairs(from: readonly { readonly name: string; readonly value: string }[]): AdminResult {
  const cut = from
    .slice(0, maxPairs)
    .map(({ name, value }) => ({ name: clipped(name, maxNameBytes), value: clipped(value, maxValueBytes) }));
  return { kind: 'pairs', pairs: cut };
}

function clipped(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || utf8Length(text) <= maxBytes) return text;
  let kept = '';
  let bytes = 3;
  for (const letter of text) {
    bytes += utf8Length(letter);
    if (bytes > maxBytes) break;
    kept += letter;
  }
  return `${kept}…`;
}
