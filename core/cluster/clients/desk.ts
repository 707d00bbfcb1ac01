/**
 * What a client's connection asks of its node: which namespaces exist, where their primaries are, and to have requests
 * served. A node does not deny what it does not know for certain, because its copy of the catalog may lag behind the
 * root group's.
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import { noCluster, rootNamespaceId } from '../../base/ids.ts';
import type { ClusterId, NamespaceId } from '../../base/ids.ts';
import type { Random } from '../../base/ports.ts';
import type { SessionSecret } from '../../base/session-secret.ts';
import { drawSecret } from '../../base/session-secret.ts';
import type { ForwardOutcome } from '../../wire/peer.ts';
import type { ApiDesk, EnterAnswer } from './api-connection.ts';
import type { NamespaceRecord } from '../catalog/catalog-messages.ts';
import type { Groups } from '../replicas/groups.ts';
import type { Holders } from './holders.ts';
import type { NodeOptions } from '../base/host.ts';
import { nodeTimes } from '../base/times.ts';
import type { Peers } from '../peers/peers.ts';
import type { Job } from '../replicas/job.ts';
import type { Router } from '../routing/router.ts';
import { Standing } from './standing.ts';
import { Traffic } from './traffic.ts';
import type { Work } from './traffic.ts';
import type { Watches } from '../watching/subscriptions.ts';

type Found = Extract<ForwardOutcome, { kind: 'found' }>;

/** How many nodes are asked at once where a namespace is. */
const maxAsked = 8;

export interface DeskParts {
  readonly options: NodeOptions;
  readonly groups: Groups;
  readonly peers: Peers;
  readonly router: Router;
  readonly watches: Watches;
  readonly holders: Holders;
  /** Why this node serves no client now, or null when it does. */
  readonly refusal: () => ErrorInfo | null;
  readonly random: Random;
  readonly turn: Work;
}

export class Desk implements ApiDesk {
  readonly #options: NodeOptions;
  readonly #groups: Groups;
  readonly #peers: Peers;
  readonly #router: Router;
  readonly watches: Watches;
  readonly holders: Holders;
  readonly standing: Standing;
  readonly traffic: Traffic;
  readonly #refusal: () => ErrorInfo | null;
  readonly #random: Random;

  constructor(parts: DeskParts) {
    this.#random = parts.random;
    this.#options = parts.options;
    this.#groups = parts.groups;
    this.#peers = parts.peers;
    this.#router = parts.router;
    this.watches = parts.watches;
    this.holders = parts.holders;
    this.#refusal = parts.refusal;
    const { standingMs, slowReaderMs } = nodeTimes(parts.options.timing);
    this.standing = new Standing((namespaceId) => this.served(namespaceId), standingMs);
    this.traffic = new Traffic(slowReaderMs, parts.turn);
  }

  tick(now: number): void {
    this.standing.tick(now);
    this.holders.prompts.tick(now);
    this.traffic.tick(now);
  }

  /**
   * True when this node has a way to a quorum of a namespace, as far as it knows: through its own replica that is in
   * touch, or through a peer that has a replica.
   */
  served(namespaceId: NamespaceId): boolean {
    if (this.#refusal() !== null) return false;
    const hosts = this.#groups.hostsOf(namespaceId);
    if (hosts.length > 0) return hosts.some((host) => host.inTouch);
    const primary = this.#router.hints.of(namespaceId)?.node;
    const nodes = this.#router.nodesFor(namespaceId);
    return (primary !== undefined && this.#peers.connected(primary)) || nodes.some((one) => this.#peers.connected(one));
  }

  cluster(): ClusterId {
    return this.#groups.record?.cluster ?? noCluster;
  }

  nodeName(): string {
    return this.#options.name;
  }

  refusal(): ErrorInfo | null {
    return this.#refusal();
  }

  drawSecret(): SessionSecret {
    return drawSecret(this.#random);
  }

  namespaces(): readonly string[] {
    return (this.#groups.catalog?.namespaces ?? []).map((one) => one.name).sort();
  }

  serve(job: Job): void {
    const { namespaceId, waiter } = job;
    if (namespaceId === rootNamespaceId) {
      // The root group has a catalog instead of a tree, and only nodes talk to it.
      return waiter.fail(errorInfo('UnknownNamespace', `Unknown namespace: ${namespaceId} is the root group's`));
    }
    this.#router.serve(job);
  }

  enter(name: string, asker: object, done: (answer: EnterAnswer) => void): void {
    const here = this.lookup(name);
    if (here.kind === 'found') return done(this.#entered(here));
    if (here.error.code === 'UnknownNamespace') return done({ ok: false, error: here.error });
    const asked = this.#whomToAsk();
    let waiting = asked.length;
    if (waiting === 0) return done({ ok: false, error: here.error });
    let denied: ErrorInfo | null = null;
    let over = false;
    for (const node of asked) {
      const found = (outcome: ForwardOutcome): void => {
        if (outcome.kind === 'error' && outcome.error.code === 'UnknownNamespace') denied = outcome.error;
        const last = --waiting === 0;
        if (over || (outcome.kind !== 'found' && denied === null && !last)) return;
        over = true;
        if (outcome.kind === 'found') done(this.#entered(outcome));
        else done({ ok: false, error: denied ?? here.error });
      };
      this.#router.ask(node, { kind: 'lookup', namespace: name }, found, asker);
    }
  }

  /**
   * The nodes to ask about a namespace. The root group's voters know for certain. But every node has the catalog, and a
   * node that knows of a namespace is not wrong about it (protocol §9.9).
   */
  #whomToAsk(): readonly string[] {
    const voters = this.#groups.nodesOf(rootNamespaceId).filter((node) => this.#peers.connected(node));
    const others = this.#peers.connectedNames().filter((node) => !voters.includes(node));
    return [...voters, ...others].slice(0, maxAsked);
  }

  /**
   * The id of a namespace, and where its primary is. Only the root group's primary can say that a namespace does not
   * exist.
   */
  lookup(name: string): Extract<ForwardOutcome, { kind: 'found' | 'error' }> {
    const namespace = this.#groups.catalog?.namespaceByName(name);
    if (namespace !== undefined) return this.#whereabouts(namespace);
    if (this.#groups.knowsAllNamespaces()) {
      return { kind: 'error', error: errorInfo('UnknownNamespace', 'Unknown namespace', { namespace: name }) };
    }
    const inCluster = this.#groups.record !== null;
    const why = inCluster ? 'the root group cannot be asked now' : 'this node belongs to no cluster yet';
    const text = `namespace ${name} is not known here, and ${why}`;
    return { kind: 'error', error: errorInfo('NoPrimary', text, { namespace: name }) };
  }

  /** What this node knows about a namespace of the catalog. */
  #whereabouts({ id, name, replicas }: NamespaceRecord): Found {
    const hint = this.#router.hints.of(id);
    const member = replicas.find((one) => one.replica === hint?.replica);
    const node = hint === null ? undefined : this.#groups.catalog?.node(hint.node);
    const primary =
      member === undefined || node === undefined
        ? null
        : {
            name: member.replica,
            group: name,
            nodeName: node.name,
            nodeAddress: node.clusterAddress,
            apiAddress: node.apiAddress,
          };
    return { kind: 'found', namespaceId: id, epoch: hint?.epoch ?? 0, view: hint?.view ?? 0, primary };
  }

  /** A client is sent to a primary only if this node itself reaches that primary. */
  #entered({ namespaceId, epoch, view, primary }: Found): EnterAnswer {
    const here = this.#groups.primaryHost(namespaceId) !== null;
    const { name } = this.#options;
    const reached =
      primary !== null && (here || (primary.nodeName !== name && this.#peers.connected(primary.nodeName)));
    return { ok: true, entered: { namespaceId, epoch, view, here, primary: reached ? primary : null } };
  }
}
