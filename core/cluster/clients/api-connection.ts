/**
 * One client's connection: its hello, its requests to whoever can serve them, and its answers, a frame a turn. What a client
 * does wrong closes its connection with a typed reason and touches nothing else (architecture §2).
 */

import { invariant } from '../../base/assert.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import { MalformedError, errorInfo } from '../../base/errors.ts';
import type { ClusterId } from '../../base/ids.ts';
import type { Limits } from '../../base/limits.ts';
import type { Frame, Link, LinkHandler } from '../../base/ports.ts';
import type { SessionSecret } from '../../base/session-secret.ts';
import { noSecret } from '../../base/session-secret.ts';
import type { ApiServerCodec, Unusable } from '../../wire/api-codecs.ts';
import { apiServerOutbox, snapshotPageBytes } from '../../wire/api-codecs.ts';
import type { ClientMessage, ServerMessage } from '../../wire/api.ts';
import { apiProtocol } from '../../wire/api.ts';
import type { Reply } from '../../service/reply.ts';
import { decodeReply } from '../../service/reply.ts';
import * as closeCodes from '../../wire/close-codes.ts';
import { Outbox } from '../../wire/outbox.ts';
import type { HolderConnection, Holders } from './holders.ts';
import type { Asker } from './judgement.ts';
import { judgeClient } from './judgement.ts';
import type { Job, Waiter } from '../replicas/job.ts';
import { SpokenSessions } from './spoken.ts';
import type { Standing, StandingConnection } from './standing.ts';
import type { Watches } from '../watching/subscriptions.ts';
import type { Notices } from '../base/notices.ts';
import type { Opened } from '../base/opened.ts';
import type { Flushable } from '../base/turn.ts';
import type { WatchMessage, WatchSink } from '../watching/watch.ts';

/** With so many bytes unread, a connection's watches wait: what they have to tell is remembered elsewhere. */
const watchRoomBytes = 1024 * 1024;

/** Namespaces of one connection of which it is known who writes in them. */
const maxWriters = 1024;

/** What a connection asks of its node. */
export interface ApiDesk {
  cluster(): ClusterId;
  nodeName(): string;
  /** Why the node serves nobody now; null when it does. */
  refusal(): ErrorInfo | null;
  /** Serves it here or has it served elsewhere. */
  serve(job: Job): void;
  /** For a client that has no source of chance. */
  drawSecret(): SessionSecret;
  enter(namespace: string, done: (answer: EnterAnswer) => void): void;
  namespaces(): readonly string[];
  readonly watches: Watches;
  readonly holders: Holders;
  readonly standing: Standing;
}

export type EnterAnswer =
  | { readonly ok: true; readonly entered: Omit<Extract<ServerMessage, { kind: 'entered' }>, 'kind' | 'id'> }
  | { readonly ok: false; readonly error: ErrorInfo };

/** Counters of all API connections of a node, for `/metrics`. */
export interface ApiCounters {
  requests: number;
  reads: number;
  /** Everything that was to be served, and what of it was answered, errors included. */
  asked: number;
  answered: number;
  errors: number;
  refused: number;
}

export class ApiConnection implements LinkHandler, Flushable, WatchSink, HolderConnection, StandingConnection, Asker {
  readonly #link: Link;
  readonly #codec: ApiServerCodec;
  readonly #desk: ApiDesk;
  readonly #limits: Limits;
  readonly #counters: ApiCounters;
  readonly #notices: Notices;
  readonly #from: string;
  readonly #outbox: Outbox<ServerMessage>;
  /** The session that each namespace was last written in by. */
  readonly #writer = new Map<number, number>();
  readonly #spoken: SpokenSessions;
  #outstanding = 0;
  /** What watches said in this turn, which the link has not seen yet. */
  #watchBytes = 0;
  #greeted = false;
  #closed = false;

  constructor(opened: Opened<ApiServerCodec>, desk: ApiDesk, counters: ApiCounters) {
    const { link, codec, from, turn, limits, notices } = opened;
    this.#link = link;
    this.#codec = codec;
    this.#desk = desk;
    this.#limits = limits;
    this.#spoken = new SpokenSessions(limits.maxSessionsPerConnection);
    this.#counters = counters;
    this.#notices = notices;
    this.#from = from;
    const options = apiServerOutbox(limits.maxFrameBytes, limits.maxQueuedBytes);
    // It leaves with the others at the end of the node's turn.
    this.#outbox = new Outbox(codec, link, { soon: () => turn.sendLater(this) }, options);
  }

  onFrame(frame: Frame): void {
    if (this.#closed) return;
    let messages: readonly (ClientMessage | Unusable)[];
    try {
      messages = this.#codec.decode(frame);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.refuse(errorInfo('BadFrame', error.message), closeCodes.badFrame);
      return;
    }
    for (const message of messages) {
      this.#receive(message);
      // A message may close the connection; what follows it in the frame is then void.
      if (this.isClosed()) return;
    }
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.close();
    this.#desk.watches.leave(this);
    this.#desk.holders.remove(this);
    this.#desk.standing.leave(this);
  }

  isClosed(): boolean {
    return this.#closed;
  }

  /** Says why, then closes. */
  refuse(error: ErrorInfo, code: number): void {
    if (this.#closed) return;
    this.#counters.refused++;
    const facts = { from: this.#from, problem: error.message };
    this.#notices.tell('info', `API connection: ${error.code}`, 'closed an API connection', facts);
    this.#outbox.send({ kind: 'goodbye', error });
    this.#outbox.flush();
    this.#link.close(code, error.code);
    this.onClose();
  }

  /** @see Turn */
  flush(): void {
    if (this.#closed) return;
    this.#watchBytes = 0;
    this.#outbox.flush();
    if (!this.#outbox.closed) return;
    this.#counters.refused++;
    const text = 'closed an API connection that does not read';
    this.#notices.tell('info', text, text, { from: this.#from, limit: this.#limits.maxQueuedBytes });
    this.onClose();
  }

  #answer(message: ServerMessage): void {
    if (this.#closed) return;
    this.#outbox.send(message);
  }

  // What is judged of it.

  get greeted(): boolean {
    return this.#greeted;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  get maxOutstanding(): number {
    return this.#limits.maxPendingRequests;
  }

  refusal(): ErrorInfo | null {
    return this.#desk.refusal();
  }

  refusesSpeaking(namespaceId: number, session: number): ErrorInfo | null {
    return this.#spoken.secretOf(namespaceId, session) === null ? this.#spoken.refusal(session) : null;
  }

  refusesRegistering(): ErrorInfo | null {
    return this.#spoken.refusesMore();
  }

  #receive(message: ClientMessage | Unusable): void {
    if (message.kind === 'request') this.#counters.requests++;
    else if (message.kind === 'read') this.#counters.reads++;
    const verdict = judgeClient(this, message);
    if (verdict === null) return this.#do(message);
    const { error } = verdict;
    if ('closes' in verdict) this.refuse(error, verdict.closes);
    else this.#answer({ kind: 'error', id: verdict.id, error });
  }

  /** What was judged to be done. */
  #do(message: ClientMessage | Unusable): void {
    switch (message.kind) {
      case 'hello':
        return this.#greet();
      case 'unusable':
        return;
      case 'ping':
        return this.#answer({ kind: 'pong', id: message.id });
      case 'listNamespaces':
        return this.#answer({ kind: 'namespaces', id: message.id, names: this.#desk.namespaces() });
      case 'enter': {
        const { id } = message;
        this.#outstanding++;
        this.#counters.asked++;
        return this.#desk.enter(message.namespace, (answer) => {
          // How it stands comes before the answer, which is then taken for what it is worth.
          if (answer.ok) this.#follow(answer.entered.namespaceId);
          this.settle(
            answer.ok ? { kind: 'entered', id, ...answer.entered } : { kind: 'error', id, error: answer.error },
          );
        });
      }
      case 'register':
      case 'claim':
        return this.#register({ ...message, secret: message.secret ?? this.#desk.drawSecret() });
      case 'resume':
        return this.#spoken.resume(message.namespaceId, message.session, message.secret);
      case 'unregister':
      case 'keepAlive':
      case 'request':
        return this.#speak(message);
      case 'read':
        return this.#serve(message, noSecret, new Answer(this, message.id));
      case 'watch': {
        this.#follow(message.namespaceId);
        return this.#desk.watches.begin(this, message);
      }
      case 'unwatch':
        return this.#desk.watches.end(this, message.id);
    }
  }

  /** @see WatchSink */
  tell(message: WatchMessage): void {
    this.#watchBytes += message.kind === 'event' ? message.event.length + 16 : 64;
    if (message.kind === 'snapshot') this.#watchBytes += snapshotPageBytes;
    this.#answer(message);
  }

  /** @see WatchSink */
  hasRoom(): boolean {
    return !this.#closed && this.#link.buffered() + this.#watchBytes < watchRoomBytes;
  }

  #wrote({ namespaceId, session }: { readonly namespaceId: number; readonly session: number }): void {
    if (this.#writer.get(namespaceId) === session) return;
    // Whoever names so many namespaces holds no ClientID in most of them.
    if (this.#writer.size >= maxWriters) this.#writer.clear();
    this.#writer.set(namespaceId, session);
  }

  /** @see HolderConnection */
  writesAs(namespaceId: number, session: number): boolean {
    return this.#writer.get(namespaceId) === session || this.#spoken.secretOf(namespaceId, session) !== null;
  }

  #follow(namespaceId: number): void {
    if (!this.#closed) this.#desk.standing.follow(this, namespaceId);
  }

  /** @see StandingConnection */
  standing(namespaceId: number, served: boolean): void {
    this.#answer({ kind: 'standing', namespaceId, served });
  }

  /** @see HolderConnection */
  askWho(namespaceId: number, session: number): void {
    this.#answer({ kind: 'who', namespaceId, session });
  }

  #greet(): void {
    this.#greeted = true;
    this.#desk.holders.add(this);
    this.#answer({
      kind: 'welcome',
      protocol: apiProtocol,
      cluster: this.#desk.cluster(),
      node: this.#desk.nodeName(),
      maxFrameBytes: this.#limits.maxFrameBytes,
      maxValueBytes: this.#limits.maxValueBytes,
      maxWindow: this.#limits.maxWindow,
    });
  }

  #serve(message: Served, secret: SessionSecret, waiter: Waiter): void {
    this.#outstanding++;
    this.#counters.asked++;
    this.#desk.serve({ namespaceId: message.namespaceId, item: message, secret, hops: 0, from: null, waiter });
  }

  /** What is asked as a session. Whether the secret is the session's is judged where the session is known. */
  #speak(message: Speaking): void {
    const secret = this.#spoken.secretOf(message.namespaceId, message.session);
    invariant(secret !== null, 'whoever speaks as a session was judged to know its secret');
    if (message.kind !== 'unregister') this.#wrote(message);
    this.#serve(message, secret, new SessionAnswer(this, this.#spoken, message));
  }

  #register(message: Registering): void {
    this.#spoken.begin();
    this.#serve(message, noSecret, new RegisterAnswer(this, this.#spoken, message));
  }

  /** The end of one request of this connection. */
  settle(message: ServerMessage): void {
    this.#outstanding--;
    this.#counters.answered++;
    if (message.kind === 'error') this.#counters.errors++;
    this.#answer(message);
  }
}

type Served = Speaking | Registering | Extract<ClientMessage, { kind: 'read' }>;
type Speaking = Extract<ClientMessage, { kind: 'request' | 'keepAlive' | 'unregister' }>;
type Registering = Extract<ClientMessage, { kind: 'register' | 'claim' }> & { readonly secret: SessionSecret };

/** Answers one request of one connection. */
class Answer implements Waiter {
  readonly #connection: ApiConnection;
  readonly #id: number;

  constructor(connection: ApiConnection, id: number) {
    this.#connection = connection;
    this.#id = id;
  }

  reply(bytes: Uint8Array): void {
    this.#connection.settle({ kind: 'reply', id: this.#id, reply: bytes });
  }

  fail(error: ErrorInfo): void {
    this.#connection.settle({ kind: 'error', id: this.#id, error });
  }
}

/** The same for what was asked as a session: the connection hears when that is gone. */
class SessionAnswer extends Answer {
  readonly #spoken: SpokenSessions;
  readonly #message: Speaking;

  constructor(connection: ApiConnection, spoken: SpokenSessions, message: Speaking) {
    super(connection, message.id);
    this.#spoken = spoken;
    this.#message = message;
  }

  override reply(bytes: Uint8Array): void {
    const { kind, namespaceId, session } = this.#message;
    if (kind === 'unregister') this.#spoken.ended(namespaceId, session);
    super.reply(bytes);
  }

  override fail(error: ErrorInfo): void {
    const { namespaceId, session } = this.#message;
    if (error.code === 'SessionGone') this.#spoken.ended(namespaceId, session);
    super.fail(error);
  }
}

/** The same for a registration: from its answer on, the connection speaks as the session. */
class RegisterAnswer extends Answer {
  readonly #spoken: SpokenSessions;
  readonly #namespaceId: number;

  constructor(connection: ApiConnection, spoken: SpokenSessions, { id, namespaceId }: Registering) {
    super(connection, id);
    this.#spoken = spoken;
    this.#namespaceId = namespaceId;
  }

  override reply(bytes: Uint8Array): void {
    const answer = answerOf(bytes);
    if (answer?.kind === 'registered' || answer?.kind === 'claimed')
      this.#spoken.registered(this.#namespaceId, answer.session, answer.secret);
    else this.#spoken.failed();
    super.reply(bytes);
  }

  override fail(error: ErrorInfo): void {
    this.#spoken.failed();
    super.fail(error);
  }
}

/** Null for bytes that are no reply: they may come from another node. */
function answerOf(bytes: Uint8Array): Reply['answer'] | null {
  try {
    return decodeReply(bytes).answer;
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}
