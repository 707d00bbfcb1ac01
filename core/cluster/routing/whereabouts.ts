/**
 * Through which node each session was heard of last, as the primary's node remembers it (coordination §3). It is a hint
 * for notices, so what does not fit is forgotten, oldest first.
 */

import type { NamespaceId, SessionId } from '../../base/ids.ts';

/** As many as one namespace may have with a lease, by default. */
const maxSessions = 100_000;

export class Whereabouts {
  readonly #nodes = new Map<NamespaceId, Map<SessionId, string | null>>();
  #size = 0;

  /** @param node null for a client of this node. */
  heard(namespaceId: NamespaceId, session: SessionId, node: string | null): void {
    let sessions = this.#nodes.get(namespaceId);
    if (sessions === undefined) this.#nodes.set(namespaceId, (sessions = new Map<SessionId, string | null>()));
    const known = sessions.get(session);
    if (known === node) return;
    if (known === undefined && ++this.#size > maxSessions) this.#forget();
    sessions.set(session, node);
  }

  /** The node; null for this one; undefined when nothing is known. */
  of(namespaceId: NamespaceId, session: SessionId): string | null | undefined {
    return this.#nodes.get(namespaceId)?.get(session);
  }

  #forget(): void {
    for (const [namespaceId, sessions] of this.#nodes) {
      for (const session of sessions.keys()) {
        sessions.delete(session);
        this.#size--;
        return;
      }
      this.#nodes.delete(namespaceId);
    }
  }
}
