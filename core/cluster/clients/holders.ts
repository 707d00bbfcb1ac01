/**
 * "Who are you?": when a newcomer claims a ClientID whose holder is then in doubt, the holder is asked, wherever its connection is. It answers
 * by a sign of life in the log, where the claim is decided too; silence counts against it after a while (core/service/sessions.ts).
 */

import type { NamespaceId, SessionId } from '../../base/ids.ts';
import { Service } from '../../service/service.ts';
import type { PeerMessage } from '../../wire/peer.ts';
import type { ReplicaHost } from '../replicas/replica-host.ts';

/** A connection by which the holder of a session may be reached. */
export interface HolderConnection {
  /** It has been used for this session. */
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

  /** A replica has applied an entry: the primary's node has the holder asked that it put in doubt, if it was a claim that did so. */
  applied(host: ReplicaHost): void {
    if (!(host.machine instanceof Service)) return;
    const session = host.machine.takeDoubted();
    if (session === null || !host.isPrimary) return;
    const { namespaceId } = host;
    this.ask(namespaceId, session);
    this.#broadcast({ kind: 'who', namespaceId, session });
  }

  /** Asks the holder if it is connected to this node. A look at every connection is no matter: claims of held ids are rare. */
  ask(namespaceId: NamespaceId, session: SessionId): void {
    for (const connection of this.#connections) {
      if (connection.writesAs(namespaceId, session)) connection.askWho(namespaceId, session);
    }
  }
}
