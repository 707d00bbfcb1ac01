/**
 * What a client's connection asks of its node: which namespaces there are, where their primaries are, and to have requests served.
 * What this node does not know for certain it does not deny: its copy of the catalog may lag behind the root group's.
 */

import { errorInfo } from '../base/errors.ts';
import type { ErrorInfo } from '../base/errors.ts';
import { noCluster, rootNamespaceId } from '../base/ids.ts';
import type { ClusterId, NamespaceId } from '../base/ids.ts';
import type { ForwardItem, ForwardOutcome } from '../wire/peer.ts';
import type { ApiDesk, EnterAnswer } from './api-connection.ts';
import type { Groups } from './groups.ts';
import type { Holders } from './holders.ts';
import type { NodeOptions } from './host.ts';
import type { Peers } from './peers.ts';
import type { Waiter } from './replica-host.ts';
import type { Router } from './router.ts';
import type { Watches } from './subscriptions.ts';

export class Desk implements ApiDesk {
  readonly #options: NodeOptions;
  readonly #groups: Groups;
  readonly #peers: Peers;
  readonly #router: Router;
  readonly watches: Watches;
  readonly holders: Holders;
  readonly #refusal: () => ErrorInfo | null;

  /** @param refusal why this node serves nobody now; null when it does. */
  constructor(
    options: NodeOptions,
    groups: Groups,
    peers: Peers,
    router: Router,
    watches: Watches,
    holders: Holders,
    refusal: () => ErrorInfo | null,
  ) {
    this.#options = options;
    this.#groups = groups;
    this.#peers = peers;
    this.#router = router;
    this.watches = watches;
    this.holders = holders;
    this.#refusal = refusal;
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

  namespaces(): readonly string[] {
    return (this.#groups.catalog?.namespaces ?? []).map((one) => one.name).sort();
  }

  serve(namespaceId: NamespaceId, item: ForwardItem, waiter: Waiter): void {
    const refusal = this.#refusal();
    if (refusal !== null) return waiter.fail(refusal);
    if (namespaceId === rootNamespaceId) {
      // The root group has a catalog in the place of a tree, and only nodes talk to it.
      return waiter.fail(errorInfo('UnknownNamespace', `Unknown namespace: ${namespaceId} is the root group's`));
    }
    this.#router.serve(namespaceId, item, waiter);
  }

  enter(name: string, done: (answer: EnterAnswer) => void): void {
    const refusal = this.#refusal();
    if (refusal !== null) return done({ ok: false, error: refusal });
    const here = this.lookup(name);
    if (here.kind === 'found') return done(this.#entered(here.namespaceId));
    if (here.error.code === 'UnknownNamespace') return done({ ok: false, error: here.error });
    const voter = this.#groups.nodesOf(rootNamespaceId).find((node) => this.#peers.connected(node));
    if (voter === undefined) return done({ ok: false, error: here.error });
    this.#router.ask(voter, rootNamespaceId, { kind: 'lookup', namespace: name }, 1, (outcome) => {
      if (outcome.kind === 'found') return done(this.#entered(outcome.namespaceId));
      const unknown = outcome.kind === 'error' && outcome.error.code === 'UnknownNamespace';
      done({ ok: false, error: unknown ? outcome.error : here.error });
    });
  }

  /** The id of a namespace. That there is none is said only where it is known: at the root group's primary. */
  lookup(name: string): Extract<ForwardOutcome, { kind: 'found' | 'error' }> {
    const namespace = this.#groups.catalog?.namespaceByName(name);
    if (namespace !== undefined) return { kind: 'found', namespaceId: namespace.id };
    if (this.#groups.knowsAllNamespaces()) {
      return { kind: 'error', error: errorInfo('UnknownNamespace', 'Unknown namespace', { namespace: name }) };
    }
    const inCluster = this.#groups.record !== null;
    const why = inCluster ? 'the root group cannot be asked now' : 'this node belongs to no cluster yet';
    const text = `namespace ${name} is not known here, and ${why}`;
    return { kind: 'error', error: errorInfo('NoPrimary', text, { namespace: name }) };
  }

  #entered(namespaceId: NamespaceId): EnterAnswer {
    const groups = this.#groups;
    const namespace = groups.namespace(namespaceId);
    const hint = this.#router.hint(namespaceId);
    const member = namespace?.replicas.find((one) => one.replica === hint?.replica);
    const here = groups.primaryHost(namespaceId) !== null;
    const reachable = hint !== null && (here || (hint.node !== this.#options.name && this.#peers.connected(hint.node)));
    const node = hint === null ? undefined : groups.catalog?.node(hint.node);
    const known = member !== undefined && namespace !== null && node !== undefined && reachable;
    return {
      ok: true,
      entered: {
        namespaceId,
        epoch: hint?.epoch ?? 0,
        view: hint?.view ?? 0,
        here,
        primary: known
          ? {
              name: member.replica,
              group: namespace.name,
              nodeName: node.name,
              nodeAddress: node.clusterAddress,
              apiAddress: node.apiAddress,
            }
          : null,
      },
    };
  }
}
