/**
 * The catalog is what the root group replicates (architecture §6). It knows the cluster's nodes and namespaces, decides
 * which nodes may be added and which namespaces may be created, and gives each namespace its id. The node runs what the
 * catalog lists.
 */

import { invariant, unreachable } from '../../base/assert.ts';
import type { ErrorInfo, Result } from '../../base/errors.ts';
import { MalformedError, errorInfo, fail, ok } from '../../base/errors.ts';
import type { ClusterId, Incarnation, NamespaceId, Op } from '../../base/ids.ts';
import { isName, namespaceOf, noCluster } from '../../base/ids.ts';
import type { Configuration } from '../../vr/configuration.ts';
import type { Entry } from '../../vr/entry.ts';
import type { Snapshot, StateMachine } from '../../vr/ports.ts';
import type { NodeInfo } from '../../wire/node-info.ts';
import type { CatalogEntry, CatalogNode, CatalogReply, NamespaceRecord } from './catalog-messages.ts';
import { decodeCatalogEntry, encodeCatalogReply, maxNamespaces, maxNodes } from './catalog-messages.ts';
import type { Founding } from './catalog-snapshot.ts';
import { CatalogSnapshot, readCatalog } from './catalog-snapshot.ts';

/** Fewer replicas tolerate no failure. A client that wants fewer must say so. */
const minReplicas = 3;
/** The name of the root group. No namespace may have it. */
export const rootName = 'root';
/** The epoch in which each group begins, as in the first haret. */
export const firstEpoch = 1;

/** As in the first haret: not in the cluster, in it without replicas, in it with some, or taken out of it. */
export type NodeState = 'unknown' | 'surplus' | 'participating' | 'ejected';

type Changed = { readonly id: number; readonly changed: boolean };

export class Catalog implements StateMachine {
  #op = 0;
  #version = 0;
  #founding: Founding | null = null;
  #nodes = new Map<string, CatalogNode>();
  #namespaces = new Map<NamespaceId, NamespaceRecord>();
  /** True while a snapshot holds the maps. The next change copies both first. */
  #held = false;
  /** Namespaces by name, and how many replicas each node has. Both are derived. */
  #byName = new Map<string, NamespaceRecord>();
  #replicasOn = new Map<string, number>();

  /** The cluster and the node that founded it; null before the founding record. */
  get founding(): Founding | null {
    return this.#founding;
  }

  get cluster(): ClusterId | null {
    return this.#founding?.cluster ?? null;
  }

  /** The last op that was applied; 0 before the first. */
  get op(): Op {
    return this.#op;
  }

  /** The op of the last change. It grows with each change, also when a checkpoint is installed. */
  get version(): number {
    return this.#version;
  }

  /** All nodes that were ever in the cluster, in the order in which they were added. */
  get nodes(): readonly CatalogNode[] {
    return [...this.#nodes.values()];
  }

  /** All namespaces in the order of their ids. */
  get namespaces(): readonly NamespaceRecord[] {
    return [...this.#namespaces.values()];
  }

  node(name: string): CatalogNode | undefined {
    return this.#nodes.get(name);
  }

  nodeState(name: string): NodeState {
    const node = this.#nodes.get(name);
    if (node === undefined) return 'unknown';
    if (node.ejected) return 'ejected';
    return this.#replicasOn.has(name) ? 'participating' : 'surplus';
  }

  /** How many replicas the catalog places on a node. */
  replicasOn(node: string): number {
    return this.#replicasOn.get(node) ?? 0;
  }

  namespaceByName(name: string): NamespaceRecord | undefined {
    return this.#byName.get(name);
  }

  namespaceById(id: NamespaceId): NamespaceRecord | undefined {
    return this.#namespaces.get(id);
  }

  /** The replicas that a node must run, if its store is still the one that the catalog named. */
  replicasOf(
    node: string,
    incarnation: Incarnation,
  ): readonly { readonly namespace: NamespaceRecord; readonly replica: string }[] {
    const found: { namespace: NamespaceRecord; replica: string }[] = [];
    for (const namespace of this.#namespaces.values()) {
      for (const member of namespace.replicas) {
        if (member.node === node && member.incarnation === incarnation) {
          found.push({ namespace, replica: member.replica });
        }
      }
    }
    return found;
  }

  apply(entry: Entry): Uint8Array {
    invariant(entry.op > this.#op, 'entries are applied in op order, once each', {
      op: entry.op,
      last: this.#op,
    });
    const decoded = decode(entry.body);
    const result = decoded.ok ? this.#decide(decoded.value, entry.op) : decoded;
    this.#op = entry.op;
    if (result.ok && result.value.changed) this.#version = entry.op;
    const reply: CatalogReply = result.ok
      ? { kind: 'done', id: result.value.id }
      : { kind: 'error', error: result.error };
    return encodeCatalogReply(reply);
  }

  #decide(entry: CatalogEntry, op: Op): Result<Changed> {
    if (entry.kind === 'found') return this.#found(entry.cluster, entry.node, op);
    if (this.#founding === null) return fail('NotAllowed', 'The cluster has not been founded');
    switch (entry.kind) {
      case 'addNode':
        return this.#addNode(entry.node, op);
      case 'updateNode':
        return this.#updateNode(entry.node);
      case 'ejectNode':
        return this.#ejectNode(entry.name, entry.incarnation);
      case 'createNamespace':
        return this.#createNamespace(entry, op);
      case 'settled':
        return ok({ id: op, changed: false });
      default:
        return unreachable(entry);
    }
  }

  #found(cluster: ClusterId, node: NodeInfo, op: Op): Result<Changed> {
    const founding = this.#founding;
    if (founding !== null) {
      const again = founding.cluster === cluster && founding.node === node.name;
      if (again) return unchanged(this.#nodes.get(node.name)!.added);
      return fail('WrongCluster', `This cluster was founded as ${founding.cluster} by ${founding.node}`, {
        cluster: founding.cluster,
        node: founding.node,
      });
    }
    if (cluster === noCluster) return fail('BadArgument', 'A cluster needs an id');
    const added = this.#addNode(node, op);
    if (added.ok) this.#founding = { cluster, node: node.name };
    return added;
  }

  #addNode(node: NodeInfo, op: Op): Result<Changed> {
    if (!isName(node.name)) return badName('node', node.name);
    const known = this.#nodes.get(node.name);
    if (known?.incarnation === node.incarnation) {
      if (known.ejected)
        return refuse(
          node.name,
          `Node ${node.name} was taken out of the cluster; it joins again with an empty data directory`,
        );
      return this.#updateNode(node);
    }
    if (known !== undefined && !known.ejected) return otherIncarnation(node.name);
    for (const other of this.#nodes.values()) {
      if (other.incarnation === node.incarnation) {
        return refuse(node.name, `Node ${node.name} has the data directory of node ${other.name}`);
      }
    }
    if (known === undefined && this.#nodes.size >= maxNodes) return overLimit('maxNodes', maxNodes);
    // A name that comes back is added again at the end, so that records stay in the order of their ops.
    this.#beforeChange();
    this.#nodes.delete(node.name);
    this.#nodes.set(node.name, { ...node, added: op, ejected: false });
    return changed(op);
  }

  #updateNode(node: NodeInfo): Result<Changed> {
    const known = this.#nodes.get(node.name);
    if (known === undefined || known.ejected) return nodeNotFound(node.name);
    if (known.incarnation !== node.incarnation) return otherIncarnation(node.name);
    const same =
      known.clusterAddress === node.clusterAddress &&
      known.apiAddress === node.apiAddress &&
      known.adminAddress === node.adminAddress;
    if (same) return unchanged(known.added);
    this.#beforeChange();
    this.#nodes.set(node.name, { ...known, ...node });
    return changed(known.added);
  }

  #ejectNode(name: string, incarnation: Incarnation): Result<Changed> {
    const known = this.#nodes.get(name);
    if (known === undefined) return nodeNotFound(name);
    if (known.incarnation !== incarnation) return otherIncarnation(name);
    if (known.ejected) return unchanged(known.added);
    const replicas = this.#replicasOn.get(name) ?? 0;
    if (replicas > 0) {
      return fail('NotAllowed', `Node ${name} still runs ${replicas} replicas`, { node: name, replicas });
    }
    this.#beforeChange();
    this.#nodes.set(name, { ...known, ejected: true });
    return changed(known.added);
  }

  #createNamespace(wish: CatalogEntry & { kind: 'createNamespace' }, op: Op): Result<Changed> {
    const { name, nonce, replicas, limits } = wish;
    const taken = this.#byName.get(name);
    if (taken !== undefined) {
      if (taken.nonce === nonce) return unchanged(taken.id);
      return fail('NamespaceExists', `Namespace already exists: ${name}`, { namespace: name, id: taken.id });
    }
    if (!isNamespaceName(name)) return badName('namespace', name);
    const needed = wish.allowSmall ? 1 : minReplicas;
    if (replicas.length < needed) {
      return fail('NotEnoughReplicas', 'Not enough replicas', { needed, actual: replicas.length });
    }
    if (this.#namespaces.size >= maxNamespaces) return overLimit('maxNamespaces', maxNamespaces);
    const names = new Set<string>();
    for (const { replica, node, incarnation } of replicas) {
      if (!isName(replica)) return badName('replica', replica);
      if (names.has(replica)) {
        return fail('BadArgument', `Two replicas have the name ${replica}`, { replica });
      }
      names.add(replica);
      const known = this.#nodes.get(node);
      if (known === undefined || known.ejected) return nodeNotFound(node);
      if (known.incarnation !== incarnation) return otherIncarnation(node);
    }
    const id = namespaceOf(op);
    const record: NamespaceRecord = { id, name, nonce, replicas, limits };
    this.#beforeChange();
    this.#namespaces.set(id, record);
    this.#index(record);
    return changed(id);
  }

  #index(record: NamespaceRecord): void {
    this.#byName.set(record.name, record);
    for (const { node } of record.replicas) this.#replicasOn.set(node, (this.#replicasOn.get(node) ?? 0) + 1);
  }

  #beforeChange(): void {
    if (!this.#held) return;
    this.#nodes = new Map(this.#nodes);
    this.#namespaces = new Map(this.#namespaces);
    this.#held = false;
  }

  /** The root group has no sessions. Its requests are made so that they can be sent again. */
  request(): 'gone' {
    return 'gone';
  }

  nextRequest(): number {
    return 1;
  }

  reply(): Uint8Array {
    return encodeCatalogReply({ kind: 'error', error: errorInfo('SessionGone', 'the root group has no sessions') });
  }

  validate(body: Uint8Array): ErrorInfo | null {
    const decoded = decode(body);
    return decoded.ok ? null : decoded.error;
  }

  deadline(): null {
    return null;
  }

  expiry(): Uint8Array {
    invariant(false, 'nothing in the catalog expires');
  }

  snapshot(): Snapshot {
    this.#held = true;
    const header = { op: this.#op, version: this.#version, founding: this.#founding };
    return new CatalogSnapshot({ header, nodes: this.#nodes, namespaces: this.#namespaces });
  }

  restore(chunks: Iterable<Uint8Array>): void {
    const { header, nodes, namespaces } = readCatalog(chunks);
    this.#op = header.op;
    this.#version = header.version;
    this.#founding = header.founding;
    this.#nodes = nodes;
    this.#namespaces = namespaces;
    this.#held = false;
    this.#byName = new Map();
    this.#replicasOn = new Map();
    for (const record of namespaces.values()) this.#index(record);
  }

  /**
   * It is small compared with any log. Each record counts with the size that its names, addresses and limits may have.
   */
  size(): number {
    let bytes = this.#nodes.size * 512;
    for (const { replicas } of this.#namespaces.values()) bytes += 256 + replicas.length * 256;
    return bytes;
  }
}

/** True for a name that a namespace can have. The root group's name is taken. */
export function isNamespaceName(name: string): boolean {
  return isName(name) && name !== rootName;
}

/** The configuration with which the group of a namespace begins. */
export function foundingConfiguration(namespace: NamespaceRecord): Configuration {
  return { epoch: firstEpoch, voters: namespace.replicas, learners: [] };
}

function decode(bytes: Uint8Array): Result<CatalogEntry> {
  try {
    return ok(decodeCatalogEntry(bytes));
  } catch (error) {
    if (error instanceof MalformedError) {
      return fail('BadFrame', `The catalog's entry cannot be decoded: ${error.message}`);
    }
    throw error;
  }
}

function changed(id: number): Result<Changed> {
  return ok({ id, changed: true });
}

function unchanged(id: number): Result<Changed> {
  return ok({ id, changed: false });
}

type Failure = ReturnType<typeof fail>;

function badName(what: string, name: string): Failure {
  const why =
    name === rootName
      ? "it is the root group's"
      : "up to 64 letters, digits, '.', '_' and '-', a letter or digit first";
  return fail('BadName', `Bad name of a ${what}: ${name} (${why})`, { name });
}

function nodeNotFound(node: string): Failure {
  return fail('NodeNotFound', `Node is not in the cluster: ${node}`, { node });
}

function refuse(node: string, message: string): Failure {
  return fail('NodeRefused', message, { node });
}

function otherIncarnation(node: string): Failure {
  return refuse(node, `Node ${node} is known with another data directory: its own was lost or replaced`);
}

function overLimit(name: string, limit: number): Failure {
  return fail('LimitExceeded', `Limit exceeded: ${name} is ${limit}`, { name, limit, actual: limit + 1 });
}
