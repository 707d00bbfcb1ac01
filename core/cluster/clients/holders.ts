/**
 * Reaches the holders of sessions, wherever their connections are. They are told at once what became of their
 * belongings (coordination §3). The holder of a ClientID is asked whether it is alive ("who are you?") when a newcomer's
 * bind puts it in doubt. The holder answers with a sign of life in the log, where the bind is decided too. Its silence
 * counts against it after a while (core/service/sessions.ts).
 */

import type { NamespaceId, SessionId } from '../../base/ids.ts';
import { Service } from '../../service/service.ts';
import type { Notice } from '../../service/leases.ts';
import type { BelongingRecord } from '../../service/told.ts';
import type { PeerMessage } from '../../wire/peer.ts';
import type { ReplicaHost } from '../replicas/replica-host.ts';
import { Prompts } from './prompts.ts';
import type { Whereabouts } from '../routing/whereabouts.ts';

/** A connection over which the holder of a session may be reached. */
export interface HolderConnection {
  /** True when the connection has been used for this session. */
  writesAs(namespaceId: NamespaceId, session: SessionId): boolean;
  askWho(namespaceId: NamespaceId, session: SessionId): void;
  notice(namespaceId: NamespaceId, session: SessionId, record: BelongingRecord): void;
}

/** How other nodes are reached. */
export interface HolderPeers {
  broadcast(message: PeerMessage): void;
  /** False when the node is not connected. */
  send(node: string, message: PeerMessage): boolean;
}

export class Holders {
  readonly prompts: Prompts = new Prompts();
  readonly #connections = new Set<HolderConnection>();
  /** The connections over which a session has spoken, and shown its secret. */
  readonly #bySession = new Map<string, Set<HolderConnection>>();
  readonly #peers: HolderPeers;
  readonly #whereabouts: Whereabouts;

  constructor(peers: HolderPeers, whereabouts: Whereabouts) {
    this.#peers = peers;
    this.#whereabouts = whereabouts;
  }

  /** A session has spoken over this connection. */
  spoke(connection: HolderConnection, namespaceId: NamespaceId, session: SessionId): void {
    const key = keyOf(namespaceId, session);
    const known = this.#bySession.get(key);
    if (known === undefined) this.#bySession.set(key, new Set([connection]));
    else known.add(connection);
  }

  /** It does not speak over this connection any more. */
  silent(connection: HolderConnection, namespaceId: NamespaceId, session: SessionId): void {
    const key = keyOf(namespaceId, session);
    const known = this.#bySession.get(key);
    this.prompts.silent(connection, namespaceId, session);
    known?.delete(connection);
    if (known?.size === 0) this.#bySession.delete(key);
  }

  add(connection: HolderConnection): void {
    this.#connections.add(connection);
  }

  remove(connection: HolderConnection): void {
    this.#connections.delete(connection);
  }

  /**
   * A replica has applied an entry. The primary's node has those told whose belongings it changed. If the entry was a
   * bind that put a holder in doubt, it has that holder asked.
   */
  applied(host: ReplicaHost): void {
    if (!(host.machine instanceof Service)) return;
    const notices = host.machine.takeNotices();
    if (host.isPrimary) for (const one of notices) this.#tell(host.namespaceId, one);
    const session = host.machine.takeDoubted();
    if (session === null || !host.isPrimary) return;
    const { namespaceId } = host;
    this.ask(namespaceId, session);
    this.#peers.broadcast({ kind: 'who', namespaceId, session });
  }

  /** A replica began with another state. No one is told again what lies before it. */
  restored(host: ReplicaHost): void {
    if (host.machine instanceof Service) host.machine.takeNotices();
  }

  #tell(namespaceId: NamespaceId, { session, record }: Notice): void {
    const node = this.#whereabouts.of(namespaceId, session);
    const message = { kind: 'notice', namespaceId, session, record } as const;
    if (node === null) this.notice(namespaceId, session, record);
    else if (node !== undefined) this.#peers.send(node, message);
    else {
      this.notice(namespaceId, session, record);
      this.#peers.broadcast(message);
    }
  }

  /** Hands a notice on to the connections of this node over which the session speaks. */
  notice(namespaceId: NamespaceId, session: SessionId, record: BelongingRecord): void {
    const connections = this.#bySession.get(keyOf(namespaceId, session));
    if (connections !== undefined) for (const one of connections) one.notice(namespaceId, session, record);
  }

  /**
   * Asks the holder if it is connected to this node. Looking at every connection is affordable, because binds of held
   * ids are rare.
   */
  ask(namespaceId: NamespaceId, session: SessionId): void {
    for (const connection of this.#connections) {
      if (connection.writesAs(namespaceId, session)) connection.askWho(namespaceId, session);
    }
  }
}

function keyOf(namespaceId: NamespaceId, session: SessionId): string {
  return `${namespaceId}/${session}`;
}
