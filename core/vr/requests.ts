/**
 * Clients' requests at the primary. It finds out whether each is new, holds it until its predecessors are in the log,
 * queues it, and answers it once executed (protocol §7). At the start of each view, what is in flight is rebuilt from
 * the log.
 */

import type { ErrorInfo, Outcome } from '../base/errors.ts';
import { errorInfo, sessionGone } from '../base/errors.ts';
import { equalBytes } from '../base/bytes.ts';
import type { Op, RequestNumber, SessionId, Token } from '../base/ids.ts';
import { Numbered } from '../base/numbered.ts';
import { noSecret } from '../base/session-secret.ts';
import type { Core } from './core.ts';
import type { Entry } from './entry.ts';
import { Held } from './held.ts';
import type { Pending, RequestsPart } from './parts.ts';
import type { Input } from './ports.ts';

/** The requests of one session that are in flight. */
interface SessionFlight {
  /** The lowest number that is not executed, not in the log, not queued, and not given up by its client. */
  next: RequestNumber;
  /** Requests that are not executed yet: the op of each one in the log, and the queued ones. */
  readonly flying: Numbered<Op | Pending, RequestNumber>;
  /** Requests that wait for a predecessor. */
  readonly held: Map<RequestNumber, Pending>;
}

/** What the group itself proposes, for no session. */
const ownPending = {
  session: 0,
  secret: noSecret,
  request: 0,
  answered: 0,
  expiry: false,
};

/** How many retries of one request may wait for the same reply. */
const maxTokens = 16;

export class Requests implements RequestsPart {
  readonly #core: Core;
  readonly #sessions = new Map<SessionId, SessionFlight>();
  /** Queued requests from `#front` on, in the order in which they will be prepared. */
  #queue: Pending[] = [];
  #front = 0;
  /** Bytes of queued requests. */
  #bytes = 0;
  /** All requests that wait for a predecessor or for their session. */
  readonly #held: Held;
  /** Those of sessions whose registration is in the log but not executed, by the session's op. */
  readonly #early = new Map<SessionId, Set<Pending>>();
  /** The tokens that wait for each op. */
  readonly #waiters = new Numbered<readonly Token[], Op>();
  #expiryOp = 0;
  #expiryQueued = false;

  constructor(core: Core) {
    this.#core = core;
    this.#held = new Held(core.limits);
  }

  /** Requests that can be prepared now. */
  get queued(): number {
    return this.#queue.length - this.#front;
  }

  get pending(): number {
    return this.queued + this.#held.size;
  }

  /** Requests of one session that are held, queued or in the log, and not executed yet. */
  outstanding(session: SessionId): number {
    const flight = this.#sessions.get(session);
    return flight === undefined ? 0 : flight.flying.size + flight.held.size;
  }

  get expiryPending(): boolean {
    return this.#expiryQueued || this.#expiryOp > this.#core.parts.execution.applied;
  }

  // Taking requests in.

  /**
   * What is known of the number comes before any judgement of this sending. An executed request has its reply, and one
   * under way will have it. A refusal would be taken for an answer to the number (V30).
   */
  request(input: Extract<Input, { kind: 'request' }>): void {
    const { token, session, secret, request, answered, body, refusal } = input;
    const pending: Pending = { session, secret, request, answered, body, tokens: [token], expiry: false };
    if (this.#malformed(pending) || this.#known(pending) || this.#notServing(token) || this.#underWay(pending)) return;
    if (refusal !== null) this.#fail([token], refusal);
    else if (!this.#refusedHere(token, body)) this.#admit(pending);
  }

  propose(token: Token, body: Uint8Array): void {
    if (this.#notServing(token) || this.#refusedHere(token, body)) return;
    this.#enqueue({ ...ownPending, body, tokens: [token] });
  }

  expire(body: Uint8Array): void {
    this.#expiryQueued = true;
    this.#enqueue({ ...ownPending, body, tokens: [], expiry: true });
  }

  /** No one waits for it any longer. A request that is held is dropped; others go on. */
  abandon(token: Token): void {
    const pending = this.#held.abandon(token);
    if (pending !== null) this.#drop(pending);
  }

  /** A number that no request can have. `answered` speaks of the numbers below it. */
  #malformed({ request, answered, tokens }: Pending): boolean {
    if (answered >= 1 && answered <= request) return false;
    const text = `answered, the lowest number without an answer, is from 1 to the request's own number ${request}, not ${answered}`;
    this.#fail(tokens, errorInfo('BadArgument', text, { request, answered }));
    return true;
  }

  #notServing(token: Token): boolean {
    if (this.#core.parts.primary.serving) return false;
    this.#fail([token], this.#notPrimary('definite'));
    return true;
  }

  #refusedHere(token: Token, body: Uint8Array): boolean {
    const core = this.#core;
    const { limits } = core;
    if (body.length > limits.maxBodyBytes) {
      const details = { limit: limits.maxBodyBytes, actual: body.length };
      this.#fail(
        [token],
        errorInfo('LimitExceeded', `maxBodyBytes is ${limits.maxBodyBytes}, got ${body.length}`, details),
      );
      return true;
    }
    if (this.queued >= limits.maxPendingRequests || this.#bytes + body.length > limits.maxPendingBytes) {
      const details = { limit: limits.maxPendingRequests, actual: this.queued };
      this.#fail([token], errorInfo('Overloaded', `${this.queued} requests wait at the primary`, details));
      return true;
    }
    const invalid = core.machine.validate(body);
    if (invalid !== null) this.#fail([token], invalid);
    return invalid !== null;
  }

  /** The applied state is committed and settles the request. It is just as true on a replica that does not serve. */
  #known(pending: Pending): boolean {
    const { machine, parts } = this.#core;
    const { session, secret, request, body, tokens } = pending;
    const known = machine.request(session, secret, request, body);
    switch (known) {
      case 'executed':
        this.#answer(tokens, machine.reply(session, request));
        return true;
      case 'other':
        this.#numberTaken(pending);
        return true;
      case 'old':
        this.#tooOld(pending);
        return true;
      case 'gone':
      case 'continued':
        if (session > parts.execution.applied) return false;
        this.#fail(tokens, sessionGone(session, known === 'continued'));
        return true;
      case 'new':
        return false;
    }
  }

  /** Another attempt of a request that is held, queued or in the log waits together with it. */
  #underWay(pending: Pending): boolean {
    const { session, request, answered, body, tokens } = pending;
    if (session > this.#core.parts.execution.applied) return false;
    const flight = this.#sessions.get(session);
    if (flight === undefined) return false;
    const held = flight.held.get(request);
    if (held === undefined || answered <= held.answered) return this.#join(flight, pending);
    if (!equalBytes(held.body, body)) {
      this.#numberTaken(pending);
      return true;
    }
    // Its client no longer waits for the request that holds this one up, so this one must not be held for it either
    // (V15).
    this.#drop(held);
    const room = held.tokens.length < maxTokens;
    if (!room) this.#fail(tokens, errorInfo('Overloaded', `${maxTokens} attempts of one request wait`, {}, 'unknown'));
    this.#admit({ ...pending, tokens: room ? [...held.tokens, ...tokens] : held.tokens });
    return true;
  }

  /** Admits a new request, or one of a session that is about to exist. */
  #admit(pending: Pending): void {
    const { machine, limits, log, parts } = this.#core;
    const { session, request, answered, tokens } = pending;
    if (session > parts.execution.applied) {
      // The registration may be in the log of this view but not executed yet; then the session is about to exist. If it
      // is in another log, this primary is deposed and does not know it, so it must not say that a session is gone.
      if (session <= log.head) this.#waitForSession(pending);
      else this.#fail(tokens, errorInfo('Retry', `session ${session} is not known yet`, { session }));
      return;
    }
    const flight = this.#sessions.get(session);
    const executed = machine.nextRequest(session);
    const next = Math.max(flight?.next ?? executed, executed);
    if (request < next) {
      // Its client has given it up: a later request in the log said so.
      this.#tooOld(pending);
      return;
    }
    const window = request - Math.min(answered, executed);
    if (window >= limits.maxWindow) {
      const details = { limit: limits.maxWindow, actual: window + 1 };
      this.#fail(tokens, errorInfo('WindowExceeded', `maxWindow is ${limits.maxWindow} outstanding requests`, details));
      return;
    }
    const waits = request > Math.max(next, answered);
    if (waits && !this.#hold(pending)) return;
    const at = this.#sessions.get(session) ?? this.#open(session, next);
    at.next = next;
    if (waits) {
      at.held.set(request, pending);
      return;
    }
    this.#fly(at, pending);
    this.#release(at);
  }

  /** Attaches a retry to the same request in flight. */
  #join(flight: SessionFlight, pending: Pending): boolean {
    const { request, tokens, body } = pending;
    const waiting = flight.flying.get(request) ?? flight.held.get(request);
    if (waiting === undefined) return false;
    const known = typeof waiting === 'number' ? this.#core.log.entry(waiting)?.body : waiting.body;
    if (known !== undefined && !equalBytes(known, body)) {
      this.#numberTaken(pending);
      return true;
    }
    const joined = typeof waiting === 'number' ? this.#waitersOf(waiting) : waiting.tokens;
    if (joined.length >= maxTokens) {
      // The other attempts decide what becomes of it. Only this attempt does not hear of it.
      this.#fail(tokens, errorInfo('Overloaded', `${maxTokens} attempts of one request wait`, {}, 'unknown'));
      return true;
    }
    joined.push(...tokens);
    if (flight.held.get(request) === waiting) this.#held.joined(waiting, tokens);
    return true;
  }

  #waitersOf(op: Op): Token[] {
    const tokens = [...(this.#waiters.get(op) ?? [])];
    this.#waiters.set(op, tokens);
    return tokens;
  }

  #waitForSession(pending: Pending): void {
    if (!this.#hold(pending)) return;
    const waiting = this.#early.get(pending.session);
    if (waiting === undefined) this.#early.set(pending.session, new Set([pending]));
    else waiting.add(pending);
  }

  /** Takes in a request that cannot go on yet. Others may have to go for it. */
  #hold(pending: Pending): boolean {
    if (this.#held.refuses(pending)) {
      const details = { limit: this.#held.share, actual: this.#held.share + 1 };
      const text = `session ${pending.session} has too many requests that wait for one before them`;
      this.#fail(pending.tokens, errorInfo('Overloaded', text, details));
      return false;
    }
    for (;;) {
      const other = this.#held.inTheWayOf(pending);
      if (other === null) break;
      this.#drop(other);
      const text = `request ${other.request} of session ${other.session} waited too long for one before it`;
      this.#fail(other.tokens, errorInfo('Overloaded', text, {}));
    }
    this.#held.add(pending);
    return true;
  }

  /** A request that is held leaves. Nothing of it is left behind. */
  #drop(pending: Pending): void {
    const { session, request } = pending;
    this.#held.remove(pending);
    const waiting = this.#early.get(session);
    if (waiting?.delete(pending) === true && waiting.size === 0) this.#early.delete(session);
    const flight = this.#sessions.get(session);
    if (flight?.held.get(request) !== pending) return;
    flight.held.delete(request);
    if (flight.flying.size === 0 && flight.held.size === 0) this.#sessions.delete(session);
  }

  #open(session: SessionId, next: RequestNumber): SessionFlight {
    const flight: SessionFlight = { next, flying: new Numbered(), held: new Map() };
    this.#sessions.set(session, flight);
    return flight;
  }

  #fly(flight: SessionFlight, pending: Pending): void {
    flight.next = pending.request + 1;
    flight.flying.set(pending.request, pending);
    this.#enqueue(pending);
  }

  /** Lets requests go on that waited for the one that was just queued. */
  #release(flight: SessionFlight): void {
    while (flight.held.size > 0) {
      const pending = flight.held.get(flight.next);
      if (pending === undefined) break;
      this.#letGo(flight, pending);
      this.#fly(flight, pending);
    }
    // A raised `answered` may have passed some of them. Their client does not wait for them.
    for (const [request, pending] of flight.held) {
      if (request >= flight.next) continue;
      this.#letGo(flight, pending);
      this.#tooOld(pending);
    }
  }

  #letGo(flight: SessionFlight, pending: Pending): void {
    flight.held.delete(pending.request);
    this.#held.remove(pending);
  }

  #enqueue(pending: Pending): void {
    this.#queue.push(pending);
    this.#bytes += pending.body.length;
  }

  // Preparing.

  peek(): Pending | undefined {
    return this.#queue[this.#front];
  }

  shift(): void {
    this.#bytes -= this.#queue[this.#front]!.body.length;
    this.#front++;
    if (this.#front < this.#queue.length) return;
    this.#queue = [];
    this.#front = 0;
  }

  /** A request has its place in the log. */
  prepared(pending: Pending, op: Op): void {
    const { session, request, tokens } = pending;
    if (tokens.length > 0) this.#waiters.set(op, tokens);
    if (pending.expiry) {
      this.#expiryQueued = false;
      this.#expiryOp = op;
    }
    if (session === 0) return;
    const flight = this.#sessions.get(session);
    if (flight === undefined) return;
    flight.flying.set(request, op);
  }

  // Executing.

  executed(entry: Entry, reply: Uint8Array): void {
    const tokens = this.#waiters.take(entry.op);
    if (tokens !== undefined) this.#answer(tokens, reply);
    if (entry.session === 0 || this.#sessions.size === 0) return;
    const flight = this.#sessions.get(entry.session);
    if (flight === undefined) return;
    if (flight.flying.get(entry.request) === entry.op) flight.flying.take(entry.request);
    if (flight.flying.size === 0 && flight.held.size === 0) this.#sessions.delete(entry.session);
  }

  /** Some entries were executed. The sessions that they registered now exist. */
  advanced(): void {
    if (this.#early.size === 0) return;
    const { applied } = this.#core.parts.execution;
    for (const [session, waiting] of this.#early) {
      if (session > applied) continue;
      this.#early.delete(session);
      for (const pending of waiting) this.#held.remove(pending);
      for (const pending of waiting) {
        // Their limits were checked when they came.
        if (!this.#known(pending) && !this.#underWay(pending)) this.#admit(pending);
      }
    }
  }

  // Views.

  /** The view begins with this log. What is not executed in it is in flight. */
  beginView(): void {
    const { log, parts } = this.#core;
    this.#sessions.clear();
    this.#expiryOp = 0;
    for (let op = parts.execution.applied + 1; op <= log.head; op++) {
      const entry = log.entry(op);
      if (entry === null || entry.session === 0) continue;
      const flight = this.#sessions.get(entry.session) ?? this.#open(entry.session, 0);
      flight.flying.set(entry.request, op);
      flight.next = Math.max(flight.next, entry.request + 1);
    }
  }

  /**
   * The view was lost. What was not prepared has not happened. What became of the prepared requests is not known here.
   */
  lost(): void {
    this.#refuseUnprepared();
    const unknown = this.#notPrimary('unknown');
    for (const tokens of this.#waiters.values()) this.#fail(tokens, unknown);
    this.#waiters.clear();
    this.#sessions.clear();
  }

  /** The primary stops until a quorum answers it, and no request waits for that. What is prepared may still commit. */
  abdicated(): void {
    this.#refuseUnprepared();
  }

  #refuseUnprepared(): void {
    const error = this.#notPrimary('definite');
    for (let i = this.#front; i < this.#queue.length; i++) this.#fail(this.#queue[i]!.tokens, error);
    this.#queue = [];
    this.#front = 0;
    for (const waiting of this.#early.values()) for (const pending of waiting) this.#fail(pending.tokens, error);
    this.#early.clear();
    for (const [session, flight] of this.#sessions) {
      for (const pending of flight.held.values()) this.#fail(pending.tokens, error);
      flight.held.clear();
      // The numbers of queued requests are free again.
      for (const [request, at] of flight.flying.entries()) {
        if (typeof at === 'number') continue;
        flight.flying.take(request);
        flight.next = Math.min(flight.next, request);
      }
      if (flight.flying.size === 0) this.#sessions.delete(session);
    }
    this.#held.clear();
    this.#bytes = 0;
    this.#expiryQueued = false;
  }

  // Answering.

  #notPrimary(outcome: Outcome): ErrorInfo {
    const core = this.#core;
    const primary = core.parts.suspicion.knownPrimary();
    if (primary === null || core.isSelf(primary)) {
      return errorInfo('NoPrimary', 'this group has no primary that is known here', {}, outcome);
    }
    const { replica, node, address } = primary;
    return errorInfo('NotPrimary', `the primary is ${replica} on ${node}`, { replica, node, address }, outcome);
  }

  #tooOld({ session, request, tokens }: Pending): void {
    const message = `request ${request} of session ${session} is below its window`;
    this.#fail(tokens, errorInfo('RequestTooOld', message, { session, request }));
  }

  #numberTaken({ session, request, tokens }: Pending): void {
    const text = `request ${request} of session ${session} was sent before with another body`;
    this.#fail(tokens, errorInfo('BadArgument', text, { session, request }));
  }

  #answer(tokens: readonly Token[], reply: Uint8Array): void {
    for (const token of tokens) this.#core.effect({ kind: 'reply', token, result: { ok: true, reply } });
  }

  #fail(tokens: readonly Token[], error: ErrorInfo): void {
    for (const token of tokens) this.#core.effect({ kind: 'reply', token, result: { ok: false, error } });
  }
}
