/**
 * Whether this node has a way to a quorum of a namespace, and which connections are told when that changes. A client
 * that stays at a node which has lost its group gets nothing done, and its watches stop without a sign (protocol §9.9).
 */

import type { NamespaceId } from '../../base/ids.ts';

/** A connection that is told about the namespaces that it entered or watches. */
export interface StandingConnection {
  standing(namespaceId: NamespaceId, served: boolean): void;
}

/** For how many namespaces a connection is told. A client works in one at a time. */
const maxNamespaces = 64;

export class Standing {
  readonly #served: (namespaceId: NamespaceId) => boolean;
  readonly #graceMs: number;
  /** What each connection was told last, for each namespace in which it is interested. */
  readonly #told = new Map<StandingConnection, Map<NamespaceId, boolean>>();
  /** Since when a namespace is not served. Only namespaces in which a connection is interested are here. */
  readonly #lostSinceMs = new Map<NamespaceId, number>();
  #nowMs = 0;

  /**
   * @param graceMs how long a namespace may be unserved before clients are told. A normal election is over by then, and
   * moves no client.
   */
  constructor(served: (namespaceId: NamespaceId) => boolean, graceMs: number) {
    this.#served = served;
    this.#graceMs = graceMs;
  }

  /** From now on this connection is told about a namespace: at once when it is not served, and of each change. */
  follow(connection: StandingConnection, namespaceId: NamespaceId): void {
    let told = this.#told.get(connection);
    if (told === undefined) this.#told.set(connection, (told = new Map<NamespaceId, boolean>()));
    if (told.has(namespaceId)) return;
    if (told.size >= maxNamespaces) told.delete(told.keys().next().value!);
    told.set(namespaceId, true);
    // No connection followed it before, so how long it has been unserved is unknown. The new connection is told at
    // once, to be safe.
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

  /** @param sinceMs since when it counts as lost, if it was not lost before. */
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
