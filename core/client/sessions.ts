/**
 * The sessions of a client, one for each namespace in which it writes. A session is registered when it is first needed,
 * kept alive, and given back.
 */

import type { ErrorInfo } from '../base/errors.ts';
import { hexFromBytes } from '../base/hex.ts';
import type { NamespaceId, RequestNumber, SessionId } from '../base/ids.ts';
import type { Reply } from '../service/reply.ts';
import type { Outgoing } from '../wire/api-client.ts';
import type { CallTable } from './call-table.ts';
import type { DataCall } from './calls.ts';
import { ControlCall } from './calls.ts';
import type { Line } from './line.ts';
import type { ClientOptions, ClientPorts } from './options.ts';
import { WriteSession } from './session.ts';

export interface SessionsHost {
  readonly calls: CallTable;
  readonly line: Line;
  isCurrent(session: WriteSession): boolean;
  /** A session that was not given back is gone. */
  onLost(): void;
  /** There is a session again, or none can be registered. */
  onSettled(): void;
}

/** Writes have their own deadlines. This only bounds a question that is never answered, however often it is sent. */
const controlTimeoutMs = 30_000;

/** How often the bind is repeated while the holder of our ClientID is asked whether it is alive. */
const bindAgainMs = 250;

export class Sessions {
  readonly #ports: ClientPorts;
  readonly #options: ClientOptions;
  readonly #host: SessionsHost;
  readonly #sessions = new Map<NamespaceId, WriteSession>();

  constructor(ports: ClientPorts, options: ClientOptions, host: SessionsHost) {
    this.#ports = ports;
    this.#options = options;
    this.#host = host;
  }

  of(namespaceId: NamespaceId): WriteSession {
    let session = this.#sessions.get(namespaceId);
    if (session === undefined) {
      session = new WriteSession(namespaceId);
      this.#sessions.set(namespaceId, session);
    }
    return session;
  }

  idIn(namespaceId: NamespaceId): SessionId | null {
    const id = this.#sessions.get(namespaceId)?.id ?? 0;
    return id === 0 ? null : id;
  }

  /** True when the session of a namespace is the one that this holder of a ClientID had before. */
  continuedIn(namespaceId: NamespaceId): boolean {
    return this.#sessions.get(namespaceId)?.continued ?? false;
  }

  /** True when the session of the present namespace ended, and there is no new one yet. */
  get lost(): boolean {
    for (const session of this.#sessions.values()) if (session.lost && this.#host.isCurrent(session)) return true;
    return false;
  }

  add(session: WriteSession, call: DataCall): void {
    if (session.enqueue(call, this.#host.line.window)) this.#host.calls.begin(call);
    else this.#pump(session);
  }

  /**
   * Introduces the sessions on a new connection. The node must know them before outstanding requests are sent over it.
   */
  resume(): void {
    for (const { id, namespaceId, secret } of this.#sessions.values()) {
      if (id !== 0) this.#host.line.send({ kind: 'resume', namespaceId, session: id, secret });
    }
  }

  /** Called when the outstanding requests were sent over the new connection. */
  connected(): void {
    for (const session of this.#sessions.values()) {
      this.#pump(session);
      // The holder of a ClientID shows where it is now, in case another client bound the ClientID in the meantime.
      if (this.#options.identity !== null) this.asked(session.namespaceId, session.id);
    }
  }

  /** The node asks whether we still use this session, because another client binds our ClientID. */
  asked(namespaceId: NamespaceId, id: SessionId): void {
    const session = this.#sessions.get(namespaceId);
    if (session?.id === id) this.keepAlive(session);
  }

  finished(session: WriteSession, call: DataCall, replied: boolean): void {
    const hole = session.finish(call, replied);
    if (hole > 0) this.#release(session, hole);
    if (session.queued.size > 0) this.#pump(session);
    else if (!session.busy && !this.#host.isCurrent(session)) this.#retire(session);
  }

  /**
   * The primary holds back requests after a number without a reply. They go on only when it hears that we no longer
   * wait for that number. We wait until the end of the turn, because many refusals come together, and the requests that
   * they end need not be sent again.
   */
  #release(session: WriteSession, hole: RequestNumber): void {
    const scheduled = session.releaseUpTo > 0;
    session.releaseUpTo = Math.max(session.releaseUpTo, hole);
    if (scheduled) return;
    this.#ports.clock.soon(() => {
      const upTo = session.releaseUpTo;
      session.releaseUpTo = 0;
      for (const later of session.outstanding.values()) {
        if (later.phase === 'sent' && later.sentAnswered <= upTo) this.#host.calls.send(later);
      }
    });
  }

  /** True for an error that ends a session. It expired, or another process with its ClientID goes on. */
  lostBy({ code }: ErrorInfo): boolean {
    return code === 'SessionGone';
  }

  /**
   * The servers do not know the session. Outstanding requests may or may not have been executed, and are never
   * repeated.
   */
  gone(session: WriteSession, error: ErrorInfo): void {
    const current = this.#host.isCurrent(session);
    if (current) this.#host.onLost();
    session.lost = current;
    session.lease?.ended(error);
    for (const call of session.gone()) this.#host.calls.refused(call, { ...error, outcome: 'unknown' });
    // We also do so when no write waits, because a caller that was told `lost` must be told when it can go on.
    if (current) this.#register(session);
    else this.#pump(session);
  }

  tick(nowMs: number): void {
    for (const session of this.#sessions.values()) {
      if (session.id === 0) {
        if (session.queued.size > 0 || (session.lost && session.taken === null)) this.#register(session);
      } else if (nowMs - session.askedAtMs >= this.#options.keepAliveMs) {
        this.keepAlive(session);
      }
    }
  }

  /** Gives back the sessions of namespaces that were left, if nothing is outstanding in them. */
  retireOthers(): void {
    for (const session of this.#sessions.values()) {
      if (!session.busy && !this.#host.isCurrent(session)) this.#retire(session);
    }
  }

  close(): void {
    for (const session of this.#sessions.values()) this.#retire(session);
  }

  #pump(session: WriteSession): void {
    const window = this.#host.line.window;
    if (window === 0) return;
    if (session.id === 0) {
      if (session.queued.size > 0) this.#register(session);
      return;
    }
    for (let call = session.take(window); call !== null; call = session.take(window)) this.#host.calls.begin(call);
  }

  #register(session: WriteSession): void {
    if (session.registering || session.id !== 0 || this.#ports.clock.now() < session.bindAtMs) return;
    session.registering = true;
    if (session.taken !== null) return this.#refuseQueued(session, session.taken);
    const { name: client, identity } = this.#options;
    const { namespaceId, previous } = session;
    const { random } = this.#ports;
    const attempt = random.uint32();
    const secret = hexFromBytes(random.bytes(16));
    this.#ask(
      (id) =>
        identity === null
          ? { kind: 'register', id, namespaceId, client, secret }
          : { kind: 'bind', id, namespaceId, client, identity, attempt, previous, secret },
      (reply, error) => {
        const answer = reply?.answer;
        if (answer?.kind === 'registered' || answer?.kind === 'bound') {
          session.opened(answer.session, secret, answer.kind === 'bound' && answer.continued);
          session.askedAtMs = this.#ports.clock.now();
          this.#host.onSettled();
          if (session.busy || (this.#host.isCurrent(session) && this.#sessions.get(session.namespaceId) === session))
            this.#pump(session);
          else this.#retire(session);
        } else if (error?.code === 'ClientIdHeld' && error.details['alive'] === false) {
          // The holder is being asked. Writes that wait for the session wait until it answers, or until its silence
          // counts.
          session.registering = false;
          session.bindAtMs = this.#ports.clock.now() + bindAgainMs;
          for (const call of session.queued) call.lastRefusal = error;
        } else if (error?.code === 'ClientIdTaken') {
          // This is for good. If both clients bound it back, they would take it from each other for ever.
          session.taken = error;
          this.#refuseQueued(session, error);
        } else if (error !== null && error.code !== 'Timeout' && error.code !== 'Closed') {
          // No write that waited for the session was ever sent.
          for (const call of [...session.queued]) this.#host.calls.refused(call, error);
          session.registering = session.lost = false;
          this.#host.onSettled();
        } else {
          // A tick tries again if the session is still needed.
          session.registering = false;
        }
      },
    );
  }

  /** It waits until the end of the turn, because a callback must not come before its call returns. */
  #refuseQueued(session: WriteSession, error: ErrorInfo): void {
    this.#ports.clock.soon(() => {
      session.registering = false;
      for (const call of [...session.queued]) this.#host.calls.refused(call, error);
    });
  }

  /** Each keep-alive has its own id, so that its answer shows when it was sent. */
  keepAlive(session: WriteSession): void {
    const { namespaceId, id: sessionId } = session;
    if (sessionId === 0) return;
    session.askedAtMs = this.#ports.clock.now();
    // One that was refused for now has no answer on its way.
    if (session.kept?.phase === 'refused') session.kept.abandon();
    const call = this.#ask(
      (id) => ({ kind: 'keepAlive', id, namespaceId, session: sessionId, heard: session.heard }),
      (reply, error) => {
        if (session.id !== sessionId) return;
        if (error?.code === 'SessionGone' || error?.code === 'UnknownNamespace') this.gone(session, error);
        else if (reply !== null) session.lease?.alive(call.firstSentAtMs, reply);
      },
    );
    session.kept = call;
  }

  #ask(request: (id: number) => Outgoing, done: (reply: Reply | null, error: ErrorInfo | null) => void): ControlCall {
    const { calls } = this.#host;
    const id = calls.newId();
    const call = new ControlCall(calls, id, controlTimeoutMs, request(id), (result) => {
      if (!result.ok) done(null, result.error);
      else if (result.value.kind === 'reply') {
        const { reply } = result.value;
        done(reply, reply.answer.kind === 'error' ? reply.answer.error : null);
      }
    });
    calls.takeUp(call, this.#ports.clock.now());
    calls.begin(call);
    return call;
  }

  #retire(session: WriteSession): void {
    session.lease?.ended(null);
    if (this.#sessions.get(session.namespaceId) === session) this.#sessions.delete(session.namespaceId);
    if (session.id === 0) return;
    const { namespaceId, id } = session;
    // No one waits for the answer. A session that is not given back expires.
    this.#host.line.send({ kind: 'unregister', id: this.#host.calls.newId(), namespaceId, session: id });
  }
}
