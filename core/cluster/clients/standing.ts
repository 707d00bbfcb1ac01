/**
 * Whether this node has a way to a quorum of a namespace, and who is told when that changes: a client that stays at a node which has lost its
 * group gets nothing done, and what it watches stands still unseen (protocol §9.9).
 */

import type { NamespaceId } from '../../base/ids.ts';

/** A connection that is told of the namespaces that it entered or watches. */
export interface StandingConnection {
  standing(namespaceId: NamespaceId, served: boolean): void;
}

/** Namespaces of one connection of which it is told. A client works in one at a time. */
const maxNamespaces = 64;

export class Standing {
  readonly #served: (namespaceId: NamespaceId) => boolean;
  readonly #graceMs: number;
  /** What each connection was told last, of each namespace that it is interested in. */
  readonly #told = new Map<StandingConnection, Map<NamespaceId, boolean>>();
  /** Since when a namespace is not served; only those that somebody is interested in. */
  readonly #lostSinceMs = new Map<NamespaceId, number>();
  #nowMs = 0;

  /** @param graceMs an election that goes as it should is over by then, and moves nobody. */
  constructor(served: (namespaceId: NamespaceId) => boolean, graceMs: number) {
    this.#served = served;
    this.#graceMs = graceMs;
  }

  /** From now on this connection is told of a namespace: at once when it is not served, and of each change. */
  follow(connection: StandingConnection, namespaceId: NamespaceId): void {
    let told = this.#told.get(connection);
    if (told === undefined) this.#told.set(connection, (told = new Map<NamespaceId, boolean>()));
    if (told.has(namespaceId)) return;
    if (told.size >= maxNamespaces) told.delete(told.keys().next().value!);
    told.set(namespaceId, true);
    // Nobody followed it so far: how long it has been so is not known, and who comes is better told too much.
    this.#tell(connection, told, namespaceId, !this.#lost(namespaceId, this.#nowMs - this.#graceMs));
  }

  leave(connection: StandingConnection): void {
    this.#told.delete(connection);
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    const lostBefore = [...this.#lostSinceMs.keys()];
    const judged = new Map<NamespaceId, boolean>();
    for (const [connection, told] of this.#told) {
      for (const namespaceId of told.keys()) {
        let lost = judged.get(namespaceId);
        if (lost === undefined) judged.set(namespaceId, (lost = this.#lost(namespaceId)));
        this.#tell(connection, told, namespaceId, !lost);
      }
    }
    for (const namespaceId of lostBefore) if (!judged.has(namespaceId)) this.#lostSinceMs.delete(namespaceId);
  }

  /** @param sinceMs since when it counts as lost, when it was not before. */
  #lost(namespaceId: NamespaceId, sinceMs = this.#nowMs): boolean {
    if (this.#served(namespaceId)) {
      this.#lostSinceMs.delete(namespaceId);
      return false;
    }
    const since = this.#lostSinceMs.get(namespaceId) ?? sinceMs;
    this.#lostSinceMs.set(namespaceId, since);
    return this.#nowMs - since >= this.#graceMs;
  }

  #tell(
    connection: StandingConnection,
    told: Map<NamespaceId, boolean>,
    namespaceId: NamespaceId,
    served: boolean,
  ): void {
    if (told.get(namespaceId) === served) return;
    told.set(namespaceId, served);
    connection.standing(namespaceId, served);
  }
}
