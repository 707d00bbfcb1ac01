/**
 * The replicas that this node runs: one of the root group, whose state is the catalog, and those that the catalog gives
 * it. This file makes them, finds them, gives them messages and time, and keeps the node's record in step with the
 * catalog (architecture §6).
 */

import { invariant } from '../../base/assert.ts';
import { haretError, sessionGone } from '../../base/errors.ts';
import { rootNamespaceId } from '../../base/ids.ts';
import type { ClusterId, NamespaceId } from '../../base/ids.ts';
import { encodeBody } from '../../service/body.ts';
import { decodeReply, encodeReply } from '../../service/reply.ts';
import { Service } from '../../service/service.ts';
import type { Store } from '../../store/store.ts';
import type { Configuration, Member } from '../../vr/configuration.ts';
import type { Message } from '../../vr/messages.ts';
import type { RecoveredReplica, ReplicaIdentity } from '../../vr/ports.ts';
import { Replica } from '../../vr/replica.ts';
import type { NodeInfo } from '../../wire/node-info.ts';
import { nodeInfoOf } from '../../wire/node-info.ts';
import type { PrimaryHint } from '../../wire/peer.ts';
import { Catalog, firstEpoch, foundingConfiguration, rootName } from '../catalog/catalog.ts';
import type { NamespaceRecord } from '../catalog/catalog-messages.ts';
import type { NodeOptions, NodePorts } from '../base/host.ts';
import { nodeTimes } from '../base/times.ts';
import type { Waiter } from './job.ts';
import type { HostedNamespace, NodeRecord } from './node-record.ts';
import { decodeNodeRecord, encodeNodeRecord } from './node-record.ts';
import { ReplicaHost } from './replica-host.ts';
import type { ReadableMachine, ReplicaHostEvents, WaitingKeepAlive } from './replica-host.ts';
import type { Turn } from '../base/turn.ts';

/** The body of a keep-alive names at most this many sessions (service/body.ts). */
const maxKeepAlives = 65_536;

/** What the groups report to their node. */
export interface GroupsEvents extends ReplicaHostEvents {
  self(): NodeInfo;
  /** The catalog changed. It may have new nodes and new namespaces. */
  catalogChanged(catalog: Catalog): void;
  /** The catalog gives this node more replicas than it is set to run. */
  tooManyReplicas(limit: number, namespace: string): void;
}

/** Every this many ticks, a tick also reaches the replicas to which nothing happens. */
const ticksForEveryone = 5;

export class Groups {
  readonly #ports: NodePorts;
  readonly #options: NodeOptions;
  readonly #store: Store;
  readonly #turn: Turn;
  readonly #events: GroupsEvents;
  readonly #hosts = new Map<NamespaceId, ReplicaHost[]>();
  readonly #creating = new Set<string>();
  /**
   * Replicas on the disk whose namespace this node does not know, because its record was lost with a part of the log.
   * The catalog will name the namespace again.
   */
  readonly #unknown = new Map<string, RecoveredReplica>();
  #ticks = 0;
  #diskLow = false;
  #record: NodeRecord | null = null;
  #catalog: Catalog | null = null;
  #catalogVersion = -1;
  #catalogMoved = false;

  constructor(ports: NodePorts, options: NodeOptions, store: Store, turn: Turn, events: GroupsEvents) {
    this.#ports = ports;
    this.#options = options;
    this.#store = store;
    this.#turn = turn;
    this.#events = events;
  }

  get record(): NodeRecord | null {
    return this.#record;
  }

  /** This node's copy of the catalog, which may lag on a node that only follows the root group. */
  get catalog(): Catalog | null {
    return this.#catalog;
  }

  self(): string {
    return this.#options.name;
  }

  /** Brings back what the store holds. @throws MalformedError when the node's record cannot be read. */
  recover(): void {
    const bytes = this.#store.nodeRecord();
    if (bytes === null) return;
    const record = decodeNodeRecord(bytes);
    if (record.name !== this.self()) {
      const text = `the data directory belongs to node ${record.name}, and this node is configured as ${this.self()}: correct node_name or data_dir`;
      throw haretError('BadArgument', text, { node: record.name });
    }
    this.#record = record;
    const recovered = [...this.#store.replicas()].sort((a, b) => a.identity.namespace - b.identity.namespace);
    for (const replica of recovered) this.#open(replica);
    // A crash may have come between the record and the replica. A store that may have lost the replica makes one that
    // cannot prove its head.
    if (this.root === null) {
      const identity = this.#identity(record.cluster, rootNamespaceId, this.self());
      this.#create(identity, record.root, () => undefined);
    }
    if (this.#catalog !== null) this.#afterCatalog();
  }

  /** Founds a cluster of which this node is the only voter of the root group. */
  found(cluster: ClusterId, done: () => void): void {
    const self = this.#selfMember();
    this.#enterCluster(cluster, { epoch: 1, voters: [self], learners: [] }, [this.#events.self()], done);
  }

  /** Joins a cluster as a learner of its root group. */
  follow(cluster: ClusterId, root: Configuration, nodes: readonly NodeInfo[], done: () => void): void {
    this.#enterCluster(cluster, root, nodes, done);
  }

  #enterCluster(cluster: ClusterId, root: Configuration, nodes: readonly NodeInfo[], done: () => void): void {
    invariant(this.#record === null, 'a node enters a cluster once', { cluster });
    this.#record = { format: 1, name: this.self(), cluster, root, nodes, namespaces: [] };
    this.#store.setNodeRecord(encodeNodeRecord(this.#record), () => undefined);
    this.#create(this.#identity(cluster, rootNamespaceId, this.self()), root, done);
  }

  #selfMember(): Member {
    const { name, incarnation, clusterAddress } = this.#events.self();
    return { replica: name, node: name, incarnation, address: clusterAddress };
  }

  #identity(cluster: ClusterId, namespace: NamespaceId, replica: string): ReplicaIdentity {
    return { cluster, namespace, replica, node: this.self(), incarnation: this.#store.incarnation };
  }

  /**
   * Makes a replica that starts empty. The catalog named it with this incarnation (protocol §2, "Strangers"). If it is
   * on the disk already, it is opened instead.
   */
  #create(identity: ReplicaIdentity, configuration: Configuration, done: () => void): void {
    const key = keyOf(identity);
    const kept = this.#unknown.get(key);
    if (kept !== undefined) {
      this.#unknown.delete(key);
      this.#open(kept);
      return done();
    }
    if (this.#creating.has(key)) return;
    this.#creating.add(key);
    const fresh = this.#store.createReplica(identity, configuration, () => {
      this.#creating.delete(key);
      this.#open(fresh);
      if (identity.namespace === rootNamespaceId) this.#afterCatalog();
      done();
    });
  }

  #open(recovered: RecoveredReplica): void {
    const { identity } = recovered;
    const machine = this.#machineFor(identity.namespace);
    if (machine === null) {
      this.#ports.log.write('error', 'a replica on this disk belongs to no namespace that this node knows', {
        namespaceId: identity.namespace,
        replica: identity.replica,
      });
      this.#unknown.set(keyOf(identity), recovered);
      return;
    }
    const replica = new Replica({
      recovered,
      storage: this.#store.storageOf(identity.namespace, identity.replica),
      machine,
      random: this.#ports.random,
      hash: this.#ports.hash,
      limits: this.#options.limits,
      timing: this.#options.timing,
      checkpointBytes: this.#options.checkpointBytes,
      now: this.#ports.clock.now(),
    });
    const name = `${this.namespaceName(identity.namespace) ?? String(identity.namespace)}::${identity.replica}`;
    const { limits, timing } = this.#options;
    const host = new ReplicaHost({
      name,
      replica,
      machine,
      store: this.#store,
      turn: this.#turn,
      log: this.#ports.log,
      events: this.#events,
      patienceMs: nodeTimes(timing).patienceMs,
      maxKeepAlives: Math.min(maxKeepAlives, limits.maxPendingRequests),
    });
    const siblings = this.#hosts.get(identity.namespace);
    if (siblings === undefined) this.#hosts.set(identity.namespace, [host]);
    else siblings.push(host);
    this.#turn.wake(host);
    if (this.#diskLow) host.input({ kind: 'diskLow', low: true });
  }

  #machineFor(namespaceId: NamespaceId): ReadableMachine | null {
    if (namespaceId === rootNamespaceId) {
      this.#catalog = new Catalog();
      return this.#catalog;
    }
    const hosted = this.#record?.namespaces.find((one) => one.id === namespaceId);
    return hosted === undefined ? null : new Service(hosted.limits, this.#options.limits);
  }

  // Finding replicas.

  get all(): readonly ReplicaHost[] {
    return [...this.#hosts.values()].flat();
  }

  /** Bytes of the state of all replicas here, as they count themselves. */
  get stateBytes(): number {
    let bytes = 0;
    for (const hosts of this.#hosts.values()) for (const { machine } of hosts) bytes += machine.size();
    return bytes;
  }

  get root(): ReplicaHost | null {
    return this.#hosts.get(rootNamespaceId)?.[0] ?? null;
  }

  find(namespaceId: NamespaceId, replica: string): ReplicaHost | null {
    return this.#hosts.get(namespaceId)?.find((host) => host.replicaName === replica) ?? null;
  }

  hostsOf(namespaceId: NamespaceId): readonly ReplicaHost[] {
    return this.#hosts.get(namespaceId) ?? [];
  }

  /** The primary of a group if it runs on this node. */
  primaryHost(namespaceId: NamespaceId): ReplicaHost | null {
    const hosts = this.#hosts.get(namespaceId);
    if (hosts === undefined) return null;
    for (const host of hosts) if (host.isPrimary) return host;
    return null;
  }

  knows(namespaceId: NamespaceId): boolean {
    return this.#hosts.has(namespaceId) || this.namespace(namespaceId) !== null;
  }

  namespace(namespaceId: NamespaceId): NamespaceRecord | null {
    return this.#catalog?.namespaceById(namespaceId) ?? null;
  }

  /**
   * True when this node's copy of the catalog cannot lag, because it is the root group's primary and has applied
   * everything committed. A node that is in no cluster may have lost its catalog, so it cannot say which namespaces
   * exist.
   */
  knowsAllNamespaces(): boolean {
    const { root } = this;
    return root?.isPrimary === true && root.upToDate;
  }

  /** True when the namespace certainly does not exist. */
  denies(namespaceId: NamespaceId): boolean {
    return !this.knows(namespaceId) && this.knowsAllNamespaces();
  }

  namespaceName(namespaceId: NamespaceId): string | null {
    if (namespaceId === rootNamespaceId) return rootName;
    return (
      this.namespace(namespaceId)?.name ?? this.#record?.namespaces.find((one) => one.id === namespaceId)?.name ?? null
    );
  }

  /**
   * True for a node of this cluster, by name and incarnation, according to the catalog here, or to this node's record
   * where the catalog cannot be read.
   */
  isMember({ name, incarnation }: Pick<NodeInfo, 'name' | 'incarnation'>): boolean {
    const known = this.#catalog?.node(name);
    if (known !== undefined) return known.incarnation === incarnation && !known.ejected;
    return this.#record?.nodes.some((node) => node.name === name && node.incarnation === incarnation) === true;
  }

  /**
   * As {@link isMember}. But a catalog that says nothing, because its log is lost or has not come yet, denies no node
   * that has proven the secret.
   */
  mayBeMember(node: Pick<NodeInfo, 'name' | 'incarnation'>): boolean {
    return this.isMember(node) || (this.#catalog?.founding ?? null) === null;
  }

  /**
   * Whether a replica that a peer calls a primary is the primary of that view according to the catalog. Null for a
   * group that the catalog does not have (yet).
   */
  mayBePrimary({ namespaceId, epoch, view, replica, node }: PrimaryHint): boolean | null {
    const voters = namespaceId === rootNamespaceId ? this.#record?.root.voters : this.namespace(namespaceId)?.replicas;
    if (voters === undefined) return null;
    if (epoch !== firstEpoch) return false;
    const primary = voters[view % voters.length];
    return primary?.replica === replica && primary.node === node;
  }

  /** The nodes that have a replica of a group, as far as is known here. */
  nodesOf(namespaceId: NamespaceId): readonly string[] {
    if (namespaceId === rootNamespaceId) return (this.#record?.root.voters ?? []).map((member) => member.node);
    const known = this.namespace(namespaceId);
    if (known !== null) return [...new Set(known.replicas.map((replica) => replica.node))];
    const host = this.#hosts.get(namespaceId)?.[0];
    return host === undefined ? [] : [...new Set(host.view().configuration.voters.map((member) => member.node))];
  }

  // Giving them messages and time.

  deliver(message: Message): void {
    const host = this.find(message.namespace, message.to);
    // This node does not have the group yet, or not any more. The sender repeats what matters.
    host?.receive(message);
  }

  peer(node: string, connected: boolean): void {
    for (const host of this.all) host.input({ kind: 'peer', node, connected });
  }

  /** The disk under all replicas has no room for what grows, or has it again. */
  diskLow(low: boolean): void {
    if (low === this.#diskLow) return;
    this.#diskLow = low;
    for (const host of this.all) host.input({ kind: 'diskLow', low });
  }

  tick(now: number): void {
    if (this.#catalogMoved) {
      this.#catalogMoved = false;
      if (this.#catalog !== null && this.#catalog.version !== this.#catalogVersion) this.#afterCatalog();
    }
    // The quiet replicas are ticked together, so that their messages travel together.
    const everyone = ++this.#ticks % ticksForEveryone === 0;
    for (const hosts of this.#hosts.values()) {
      for (const host of hosts) {
        host.tick(now, everyone);
        const waiting = host.takeKeepAlives();
        if (waiting.length > 0) host.propose(keptAlive(waiting), keepAliveBody(waiting));
      }
    }
  }

  /** Replicas that the catalog places here and that do not run yet. */
  missing(): readonly string[] {
    const missing: string[] = [];
    for (const one of this.#catalog?.namespaces ?? []) {
      for (const { replica } of this.#placedHere(one)) {
        if (this.find(one.id, replica) === null) missing.push(`${one.name}::${replica}`);
      }
    }
    return missing;
  }

  stop(): void {
    for (const host of this.all) host.stop('the node stops');
  }

  // Following the catalog.

  /**
   * Called when the root group's state moved, because an entry was applied or a checkpoint restored. The next tick acts
   * on it, so that a start that applies thousands of entries writes only one record.
   */
  catalogMoved(): void {
    this.#catalogMoved = true;
  }

  #afterCatalog(): void {
    const catalog = this.#catalog;
    const record = this.#record;
    invariant(catalog !== null && record !== null, 'a node with a catalog has a record');
    this.#catalogVersion = catalog.version;
    this.#teachLearners(catalog, record);
    this.#events.catalogChanged(catalog);
    const mine = catalog.namespaces.filter((one) => this.#placedHere(one).length > 0);
    const namespaces: HostedNamespace[] = mine.map(({ id, name, limits }) => ({ id, name, limits }));
    // If the catalog here lags, it may not know the namespace of a replica yet. The replica then keeps its limits and
    // name.
    for (const hosted of record.namespaces)
      if (!namespaces.some((one) => one.id === hosted.id)) namespaces.push(hosted);
    const nodes = catalog.nodes.length > 0 ? catalog.nodes.map(nodeInfoOf) : record.nodes;
    const next: NodeRecord = { ...record, nodes, namespaces };
    const encoded = encodeNodeRecord(next);
    this.#record = next;
    this.#store.setNodeRecord(encoded, () => {
      for (const one of mine) this.#openPlaced(one, next);
    });
  }

  #placedHere(namespace: NamespaceRecord): readonly Member[] {
    const { incarnation } = this.#store;
    return namespace.replicas.filter((one) => one.node === this.self() && one.incarnation === incarnation);
  }

  #openPlaced(namespace: NamespaceRecord, record: NodeRecord): void {
    const configuration = foundingConfiguration(namespace);
    for (const member of this.#placedHere(namespace)) {
      if (this.find(namespace.id, member.replica) !== null) continue;
      const { maxReplicas } = this.#options.limits;
      if (this.all.length + this.#creating.size > maxReplicas) {
        this.#events.tooManyReplicas(maxReplicas, namespace.name);
        continue;
      }
      this.#create(this.#identity(record.cluster, namespace.id, member.replica), configuration, () => undefined);
    }
  }

  /** Makes every node that is not a voter a learner of the root group. */
  #teachLearners(catalog: Catalog, record: NodeRecord): void {
    const voters = new Set(record.root.voters.map((member) => member.node));
    // If the catalog cannot be read, the nodes that followed it before are needed to mend it.
    const nodes = catalog.nodes.length > 0 ? catalog.nodes.filter((node) => !node.ejected) : record.nodes;
    const members = nodes
      .filter((node) => !voters.has(node.name))
      .map((node) => ({
        replica: node.name,
        node: node.name,
        incarnation: node.incarnation,
        address: node.clusterAddress,
      }));
    this.root?.input({ kind: 'learners', members });
  }
}

/**
 * Answers every client whose keep-alive was folded. If the entry did not find a session, its client hears that the
 * session is gone.
 */
function keptAlive(waiting: readonly WaitingKeepAlive[]): Waiter {
  return {
    reply: (bytes) => {
      const { answer, ...place } = decodeReply(bytes);
      invariant(answer.kind === 'allAlive' && answer.sessions.length === waiting.length, 'each keep-alive is answered');
      waiting.forEach(({ session, waiter }, index) => {
        const one = answer.sessions[index] ?? null;
        if (one === null) waiter.fail(sessionGone(session, answer.elsewhere.includes(session)));
        else waiter.reply(encodeReply({ ...place, answer: { kind: 'alive', clock: answer.clock, ...one } }));
      });
    },
    fail: (error) => {
      for (const { waiter } of waiting) waiter.fail(error);
    },
  };
}

function keepAliveBody(waiting: readonly WaitingKeepAlive[]): Uint8Array {
  const sessions = waiting.map(({ session, secret, heard }) => ({ session, secret, heard }));
  return encodeBody({ kind: 'keepAlive', sessions });
}

function keyOf({ namespace, replica }: Pick<ReplicaIdentity, 'namespace' | 'replica'>): string {
  return `${namespace}/${replica}`;
}
