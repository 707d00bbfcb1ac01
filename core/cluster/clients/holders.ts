/**
 * Asks the holder of a ClientID whether it is alive ("who are you?") when a newcomer's claim puts it in doubt, wherever
 * its connection is. The holder answers with a sign of life in the log, where the claim is decided too. Its silence
 * counts against it after a while (core/service/sessions.ts).
 */

import type { NamespaceId, SessionId } from '../../base/ids.ts';
import { Service } from '../../service/service.ts';
import type { PeerMessage } from '../../wire/peer.ts';
import type { ReplicaHost } from '../replicas/replica-host.ts';

/** A connection over which the holder of a session may be reached. */
export interface HolderConnection {
  /** True when the connection has been used for this session. */
  writesAs(namespaceId: NamespaceId, session: SessionId): boolean;
  askWho(namespaceId: NamespaceId, session: SessionId): void;
}

export class Holders {
  readonly #connections = new Set<HolderConnection>();
  readonly #broadcast: (message: PeerMessage) => void;

  constructor(broadcast: (message: PeerMessage) => void) {
    this.#broadcast = broadcast;
  }

  add(connection: HolderConnection): void {
    this.#connections.add(connection);
  }

  remove(connection: HolderConnection): void {
    this.#connections.delete(connection);
  }

  /**
   * A replica has applied an entry. If the entry was a claim that put a holder in doubt, the primary's node has that
   * holder asked.
   */
  applied(host: ReplicaHost): void {
    if (!(host.machine instanceof Service)) return;
    const session = host.machine.takeDoubted();
    if (session === null || !host.isPrimary) return;
    const { namespaceId } = host;
    this.ask(namespaceId, session);
    this.#broadcast({ kind: 'who', namespaceId, session });
  }

  /**
   * Asks the holder if it is connected to this node. Looking at every connection is affordable, because claims of held
   * ids are rare.
   */
  ask(namespaceId: NamespaceId, session: SessionId): void {
    for (const connection of this.#connections) {
      if (connection.writesAs(namespaceId, session)) connection.askWho(namespaceId, session);
    }
  }
}
