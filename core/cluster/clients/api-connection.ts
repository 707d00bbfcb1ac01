/**
 * One client's connection: its hello, its requests and its answers, which leave as one frame for each turn. Requests go
 * to the part of the node that can serve them. A mistake of the client closes only its connection, with a typed reason
 * (architecture §2).
 */

import { invariant } from '../../base/assert.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import { MalformedError, errorInfo } from '../../base/errors.ts';
import type { ClusterId, NamespaceId, SessionId } from '../../base/ids.ts';
import type { Limits } from '../../base/limits.ts';
import type { Frame, Link, LinkHandler } from '../../base/ports.ts';
import type { SessionSecret } from '../../base/session-secret.ts';
import type { BelongingRecord } from '../../service/told.ts';
import { noSecret } from '../../base/session-secret.ts';
import type { ApiServerCodec, Unusable } from '../../wire/api-codecs.ts';
import { apiServerOutbox, snapshotPageBytes } from '../../wire/api-codecs.ts';
import type { ClientMessage, ServerMessage } from '../../wire/api.ts';
import { apiProtocol } from '../../wire/api.ts';
import * as closeCodes from '../../wire/close-codes.ts';
import { Outbox } from '../../wire/outbox.ts';
import { Answer, RegisterAnswer, SessionAnswer } from './answers.ts';
import type { Answerable, Registering, Served, Speaking } from './answers.ts';
import type { HolderConnection, Holders } from './holders.ts';
import type { Asker } from './judgement.ts';
import { judgeClient } from './judgement.ts';
import type { Holder, Job } from '../replicas/job.ts';
import { SpokenSessions } from './spoken.ts';
import type { Standing, StandingConnection } from './standing.ts';
import { Flow } from './traffic.ts';
import type { Traffic, Waiting } from './traffic.ts';
import type { Watches } from '../watching/subscriptions.ts';
import type { Notices } from '../base/notices.ts';
import type { Opened } from '../base/opened.ts';
import type { Flushable } from '../base/turn.ts';
import type { WatchMessage, WatchSink } from '../watching/watch.ts';

/** With this many bytes unread, the watches of a connection wait. Their events are remembered elsewhere. */
const watchRoomBytes = 1024 * 1024;

/** What a name of a namespace costs in an answer, in steps of a turn: it is sorted and encoded. */
const stepsOfName = 20;

/** Bytes of a frame that cost a step: it is decoded. And what each message costs that is in it. */
const frameBytesOfStep = 16;
const stepsOfMessage = 25;
/** What a refusal costs: it is worded and encoded. Who asks for what is refused, again and again, waits for himself. */
const stepsOfError = 300;

/** What a notice takes, at about. */
const noticeBytes = 128;

/** An answer of at most this size is not worth keeping back. */
const smallAnswerBytes = 1024;

/** For how many namespaces a connection remembers the session that writes in them. */
const maxWriters = 1024;

/** What a connection asks of its node. */
export interface ApiDesk {
  cluster(): ClusterId;
  nodeName(): string;
  /** Why the node serves no client now, or null when it does. */
  refusal(): ErrorInfo | null;
  /** Serves it here, or has another node serve it. */
  serve(job: Job): void;
  /** For a client that has no source of randomness. */
  drawSecret(): SessionSecret;
  enter(namespace: string, asker: object, done: (answer: EnterAnswer) => void): void;
  namespaces(): readonly string[];
  readonly watches: Watches;
  readonly holders: Holders;
  readonly standing: Standing;
  readonly traffic: Traffic;
}

export type EnterAnswer =
  | { readonly ok: true; readonly entered: Omit<Extract<ServerMessage, { kind: 'entered' }>, 'kind' | 'id'> }
  | { readonly ok: false; readonly error: ErrorInfo };

/** Counters of all API connections of a node, for `/metrics`. */
export interface ApiCounters {
  requests: number;
  reads: number;
  /** Everything that was accepted to be served, and how much of it was answered, errors included. */
  asked: number;
  answered: number;
  errors: number;
  refused: number;
}

export class ApiConnection
  implements LinkHandler, Flushable, WatchSink, HolderConnection, StandingConnection, Asker, Answerable
{
  readonly #link: Link;
  readonly #codec: ApiServerCodec;
  readonly #desk: ApiDesk;
  readonly #limits: Limits;
  readonly #counters: ApiCounters;
  readonly #notices: Notices;
  readonly #from: string;
  readonly #outbox: Outbox<ServerMessage>;
  /** The session that last wrote in each namespace. */
  readonly #writer = new Map<NamespaceId, SessionId>();
  readonly #spoken: SpokenSessions;
  readonly #flow: Flow;
  /** What came in and waits, and before it the messages of the last frame, of which the first ones, so many, have been worked on. */
  readonly #frames: Frame[] = [];
  #messages: readonly (ClientMessage | Unusable)[] = [];
  #worked = 0;
  /** Nobody waits for a read any more. It is not made. */
  readonly #dropped = (): void => {
    this.#counters.answered++;
  };
  #outstanding = 0;
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
    // It is sent with the others at the end of the node's turn.
    this.#outbox = new Outbox(codec, link, { soon: () => turn.sendLater(this) }, options);
    this.#flow = new Flow(desk.traffic, {
      link,
      maxQueuedBytes: limits.maxQueuedBytes,
      cutOff: () => this.#cutOff(),
      backlog: () => this.#backlog,
      proceed: () => this.#work(),
    });
  }

  onFrame(frame: Frame): void {
    if (this.#closed) return;
    this.#frames.push(frame);
    this.#work();
  }

  /**
   * Works through what came in, in its order. When there is no room for answers, or enough was done for this client, the rest waits as it
   * is, and nothing more is read meanwhile.
   */
  #work(): void {
    while (this.#backlog > 0) {
      if (!this.#flow.ready) return this.#flow.backlogged();
      const next = this.#messages[this.#worked];
      if (next === undefined) {
        if (!this.#decode(this.#frames.shift()!)) return;
        continue;
      }
      this.#worked++;
      this.#receive(next);
      // A message may close the connection; what follows it in the frame is then void.
      if (this.isClosed()) return;
    }
  }

  /** Takes the messages of a frame. Returns false when it was no frame, and the connection is closed. */
  #decode(frame: Frame): boolean {
    this.#worked = 0;
    try {
      this.#messages = this.#codec.decode(frame);
      this.#flow.spend(frame.length / frameBytesOfStep + this.#messages.length * stepsOfMessage);
      return true;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#messages = [];
      this.refuse(errorInfo('BadFrame', error.message), closeCodes.badFrame);
      return false;
    }
  }

  /** Frames and messages that are not worked on yet. */
  get #backlog(): number {
    return this.#frames.length + this.#messages.length - this.#worked;
  }

  onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outbox.close();
    this.#counters.answered += this.#flow.held;
    this.#flow.close();
    this.#desk.watches.leave(this);
    this.#desk.holders.remove(this);
    for (const [namespaceId, session] of this.#spoken.allShown()) this.#desk.holders.silent(this, namespaceId, session);
    this.#desk.standing.leave(this);
  }

  isClosed(): boolean {
    return this.#closed;
  }

  /** Sends the reason, then closes. */
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
    this.#outbox.flush();
    this.#flow.turned();
    if (this.#outbox.closed) this.#notReading();
  }

  #cutOff(): void {
    this.#link.close(closeCodes.slowConsumer, 'nothing was read for long');
    this.#notReading();
  }

  #notReading(): void {
    this.#counters.refused++;
    const text = 'closed an API connection that does not read';
    const { outgoing, held } = this.#flow;
    this.#notices.tell('info', text, text, { from: this.#from, unreadBytes: outgoing, waitingReads: held });
    this.onClose();
  }

  #answer(message: ServerMessage): void {
    if (this.#closed) return;
    this.#outbox.send(message);
  }

  // What the judgement asks about this connection.

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

  refusesSpeaking(namespaceId: NamespaceId, session: SessionId): ErrorInfo | null {
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

  /** Does what was judged and allowed. */
  #do(message: ClientMessage | Unusable): void {
    switch (message.kind) {
      case 'hello':
        return this.#greet();
      case 'unusable':
        return;
      case 'ping':
        return this.#answer({ kind: 'pong', id: message.id });
      case 'listNamespaces': {
        const names = this.#desk.namespaces();
        this.#flow.sent(names.length * 32);
        this.#flow.spend(names.length * stepsOfName);
        return this.#answer({ kind: 'namespaces', id: message.id, names });
      }
      case 'enter': {
        const { id } = message;
        this.#outstanding++;
        this.#counters.asked++;
        this.#flow.asked(0);
        return this.#desk.enter(message.namespace, this, (answer) => {
          // The standing is sent before the answer, so that the client already knows it when the answer comes.
          if (answer.ok) this.#follow(answer.entered.namespaceId);
          this.settle(
            answer.ok ? { kind: 'entered', id, ...answer.entered } : { kind: 'error', id, error: answer.error },
          );
        });
      }
      case 'register':
      case 'bind':
        return this.#register({ ...message, secret: message.secret ?? this.#desk.drawSecret() });
      case 'resume':
        return this.#spoken.resume(message.namespaceId, message.session, message.secret);
      case 'unregister':
      case 'keepAlive':
      case 'request':
        return this.#speak(message);
      case 'read':
        return this.#serve(message, noSecret, new Answer(this, message));
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
    const bytes = message.kind === 'event' ? message.event.length + 16 : 64;
    this.#flow.sent(message.kind === 'snapshot' ? snapshotPageBytes : bytes);
    this.#answer(message);
  }

  /** @see WatchSink */
  hasRoom(): boolean {
    return this.#flow.hasRoom(watchRoomBytes);
  }

  #wrote({ namespaceId, session }: { readonly namespaceId: NamespaceId; readonly session: SessionId }): void {
    if (this.#writer.get(namespaceId) === session) return;
    // A connection that writes in this many namespaces holds no ClientID in most of them.
    if (this.#writer.size >= maxWriters) this.#writer.clear();
    this.#writer.set(namespaceId, session);
  }

  /** @see HolderConnection */
  writesAs(namespaceId: NamespaceId, session: SessionId): boolean {
    return this.#writer.get(namespaceId) === session || this.#spoken.secretOf(namespaceId, session) !== null;
  }

  #follow(namespaceId: NamespaceId): void {
    if (!this.#closed) this.#desk.standing.follow(this, namespaceId);
  }

  /** @see StandingConnection */
  standing(namespaceId: NamespaceId, served: boolean): void {
    this.#answer({ kind: 'standing', namespaceId, served });
  }

  /** @see HolderConnection */
  askWho(namespaceId: NamespaceId, session: SessionId): void {
    this.#answer({ kind: 'who', namespaceId, session });
  }

  /** @see HolderConnection */
  notice(namespaceId: NamespaceId, session: SessionId, record: BelongingRecord): void {
    this.#flow.sent(noticeBytes);
    this.#answer({ kind: 'notice', namespaceId, session, record });
  }

  /** @see Answerable */
  spokeAs(namespaceId: NamespaceId, session: SessionId): void {
    if (!this.#closed && this.#spoken.shown(namespaceId, session)) this.#desk.holders.spoke(this, namespaceId, session);
  }

  /** @see Answerable */
  silentAs(namespaceId: NamespaceId, session: SessionId): void {
    this.#desk.holders.silent(this, namespaceId, session);
  }

  /** @see Answerable */
  aliveAs(namespaceId: NamespaceId, session: SessionId, leaseMs: number): void {
    const open = !this.#closed && this.#spoken.secretOf(namespaceId, session) !== null;
    if (open) this.#desk.holders.prompts.alive(this, namespaceId, session, leaseMs);
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

  #serve(message: Served, secret: SessionSecret, waiter: Answer): void {
    this.#outstanding++;
    this.#counters.asked++;
    this.#flow.asked(waiter.bytes);
    const { namespaceId } = message;
    this.#desk.serve({ namespaceId, item: message, secret, hops: 0, from: null, asker: this, waiter });
  }

  /** Serves a request as a session. The node that knows the session checks that the secret is the session's. */
  #speak(message: Speaking): void {
    const secret = this.#spoken.secretOf(message.namespaceId, message.session);
    invariant(secret !== null, 'a connection that speaks as a session has sent its secret');
    if (message.kind !== 'unregister') this.#wrote(message);
    this.#serve(message, secret, new SessionAnswer(this, this.#spoken, message));
  }

  #register(message: Registering): void {
    this.#spoken.begin();
    this.#serve(message, noSecret, new RegisterAnswer(this, this.#spoken, message));
  }

  /** @see Waiter.spent */
  spent(steps: number): void {
    this.#flow.spend(steps);
  }

  /** @see Waiter.holder */
  holder(waiting: Waiting, tired: boolean): Holder | null {
    if (this.#closed) return this.#dropped;
    return !(tired && this.#flow.waits) && this.#flow.hasRoom() ? null : (make) => this.#flow.hold(waiting, make);
  }

  /** An answer that was made here or elsewhere leaves at once when it is small or has room. */
  reply(waiting: Waiting, bytes: Uint8Array): void {
    if (bytes.length <= smallAnswerBytes || this.#closed || this.#flow.hasRoom()) waiting.deliver(bytes);
    else this.#flow.keep(waiting, bytes);
  }

  /** The end of one request of this connection. @param askedBytes of its operation. */
  settle(message: ServerMessage, askedBytes = 0): void {
    this.#outstanding--;
    this.#flow.answered(askedBytes);
    if (message.kind === 'reply') this.#flow.sent(message.reply.length);
    this.#counters.answered++;
    if (message.kind === 'error') {
      this.#counters.errors++;
      this.#flow.spend(stepsOfError);
    }
    this.#answer(message);
  }
}
