/** How the answers to a connection's requests find their way back to it, each once. */

import type { ErrorInfo } from '../../base/errors.ts';
import { MalformedError } from '../../base/errors.ts';
import type { NamespaceId, SessionId } from '../../base/ids.ts';
import type { SessionSecret } from '../../base/session-secret.ts';
import { decodeReply } from '../../service/reply.ts';
import type { Reply } from '../../service/reply.ts';
import type { ClientMessage, ServerMessage } from '../../wire/api.ts';
import type { Holder, Waiter } from '../replicas/job.ts';
import type { SpokenSessions } from './spoken.ts';
import type { Waiting } from './traffic.ts';

/** What answers need of their connection. */
export interface Answerable {
  /** An answer that was made here or elsewhere. It leaves at once when it is small or has room. */
  reply(waiting: Waiting, bytes: Uint8Array): void;
  /** The end of one request. @param askedBytes of its operation. */
  settle(message: ServerMessage, askedBytes: number): void;
  /** @see Waiter.holder */
  holder(waiting: Waiting, tired: boolean): Holder | null;
  /** @see Waiter.spent */
  spent(steps: number): void;
  /** A session has shown its secret over this connection, or does not speak over it any more. */
  spokeAs(namespaceId: NamespaceId, session: SessionId): void;
  silentAs(namespaceId: NamespaceId, session: SessionId): void;
  /** A keep-alive was answered. */
  aliveAs(namespaceId: NamespaceId, session: SessionId, leaseMs: number): void;
}

export type Served = Speaking | Registering | Extract<ClientMessage, { kind: 'read' }>;
export type Speaking = Extract<ClientMessage, { kind: 'request' | 'keepAlive' | 'unregister' }>;
export type Registering = Extract<ClientMessage, { kind: 'register' | 'bind' }> & { readonly secret: SessionSecret };

/** Answers one request of one connection. */
export class Answer implements Waiter, Waiting {
  /** Of the operation that was asked. */
  readonly bytes: number;
  protected readonly connection: Answerable;
  readonly #id: number;

  constructor(connection: Answerable, message: Served) {
    this.bytes = 'operation' in message ? message.operation.length : 0;
    this.connection = connection;
    this.#id = message.id;
  }

  reply(bytes: Uint8Array): void {
    this.connection.reply(this, bytes);
  }

  /** @see Waiting */
  deliver(reply: Uint8Array): void {
    this.connection.settle({ kind: 'reply', id: this.#id, reply }, this.bytes);
  }

  fail(error: ErrorInfo): void {
    this.connection.settle({ kind: 'error', id: this.#id, error }, this.bytes);
  }

  holder(tired: boolean): Holder | null {
    return this.connection.holder(this, tired);
  }

  spent(steps: number): void {
    this.connection.spent(steps);
  }
}

/** As {@link Answer}, for a request as a session. The connection learns from the answer when the session is gone. */
export class SessionAnswer extends Answer {
  readonly #spoken: SpokenSessions;
  readonly #message: Speaking;

  constructor(connection: Answerable, spoken: SpokenSessions, message: Speaking) {
    super(connection, message);
    this.#spoken = spoken;
    this.#message = message;
  }

  override reply(bytes: Uint8Array): void {
    const { kind, namespaceId, session } = this.#message;
    if (kind === 'unregister') this.#ended(namespaceId, session);
    else this.connection.spokeAs(namespaceId, session);
    const answer = kind === 'keepAlive' ? answerOf(bytes) : null;
    if (answer?.kind === 'alive') this.connection.aliveAs(namespaceId, session, answer.leaseMs);
    super.reply(bytes);
  }

  override fail(error: ErrorInfo): void {
    const { namespaceId, session } = this.#message;
    if (error.code === 'SessionGone') this.#ended(namespaceId, session);
    super.fail(error);
  }

  #ended(namespaceId: NamespaceId, session: SessionId): void {
    this.connection.silentAs(namespaceId, session);
    this.#spoken.ended(namespaceId, session);
  }
}

/** As {@link Answer}, for a registration. From the answer on, the connection speaks as the session. */
export class RegisterAnswer extends Answer {
  readonly #spoken: SpokenSessions;
  readonly #namespaceId: NamespaceId;

  constructor(connection: Answerable, spoken: SpokenSessions, message: Registering) {
    super(connection, message);
    this.#spoken = spoken;
    this.#namespaceId = message.namespaceId;
  }

  override reply(bytes: Uint8Array): void {
    const answer = answerOf(bytes);
    if (answer?.kind === 'registered' || answer?.kind === 'bound')
      this.#spoken.registered(this.#namespaceId, answer.session, answer.secret);
    else this.#spoken.failed();
    super.reply(bytes);
  }

  override fail(error: ErrorInfo): void {
    this.#spoken.failed();
    super.fail(error);
  }
}

/** Null for bytes that are not a reply. They may come from another node. */
function answerOf(bytes: Uint8Array): Reply['answer'] | null {
  try {
    return decodeReply(bytes).answer;
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}
