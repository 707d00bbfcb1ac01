/**
 * The client engine. It finds the primary, keeps sessions over reconnects and moves, and sends calls again where that
 * is safe. So each write is executed at most once, and each call ends by its deadline with a true outcome (protocol
 * §7). It does no I/O of its own, and its host ticks it. Each callback is called once and must not throw.
 */

import type { ErrorCode, ErrorInfo, Result } from '../base/errors.ts';
import { errorInfo, fail, ok } from '../base/errors.ts';
import type { Reply } from '../service/reply.ts';
import type { Operation } from '../tree/operation.ts';
import { isRead } from '../tree/reading.ts';
import type { Outgoing } from '../wire/api-client.ts';
import type { Incoming } from '../wire/server-messages.ts';
import { apiProtocol } from '../wire/server-messages.ts';
import * as closeCodes from '../wire/close-codes.ts';
import type { Arrival, EnteredMessage } from './arrivals.ts';
import { Arrivals } from './arrivals.ts';
import { answers, apiDialect, consistencyOf, describe, linearizable } from './api-dialect.ts';
import { CallTable } from './call-table.ts';
import { ControlCall, DataCall } from './calls.ts';
import type { Connection } from './connection.ts';
import { Connector } from './connector.ts';
import type { Welcome } from './line.ts';
import { Line } from './line.ts';
import type {
  Alarm,
  ClientOptions,
  ClientPorts,
  ClientState,
  ConnectionProblem,
  Entered,
  ExecuteOptions,
  GivenOptions,
  Pending,
  PresentNamespace,
} from './options.ts';
import { defaultClientOptions } from './options.ts';
import { Place } from './place.ts';
import { Reach } from './reach.ts';
import { Sessions } from './sessions.ts';
import { ring } from './part.ts';
import type { ClientPart, PartClass, PartHost } from './part.ts';

type ApiConnection = Connection<Outgoing, Incoming>;
/** Questions that are not operations. Each gets its own id. */
type Question = { kind: 'ping' | 'listNamespaces' } | { kind: 'enter'; namespace: string };

/** Errors of the log for an entry that it did not execute (protocol §7). */
const refusedInLog: ReadonlySet<ErrorCode> = new Set(['SessionGone', 'RequestTooOld', 'WindowExceeded', 'Retry']);

const closed = (): { readonly ok: false; readonly error: ErrorInfo } => fail('Closed', 'the client was closed');

export const notEntered = 'no namespace was entered';

export class Client {
  readonly #ports: ClientPorts;
  readonly #options: ClientOptions;
  readonly #connector: Connector<Outgoing, Incoming>;
  readonly #line: Line;
  readonly #calls: CallTable;
  readonly #sessions: Sessions;
  /** By class, in the order in which they were first used. */
  readonly #parts = new Map<PartClass<ClientPart>, ClientPart>();
  readonly #alarms: Set<Alarm>;
  readonly #listeners = new Set<(state: ClientState) => void>();
  #state: ClientState = 'connecting';
  #started = false;
  #place: Place | null = null;
  readonly #arrivals = new Arrivals();
  readonly #reach = new Reach();
  #lastOp = 0;
  /** The namespace that was asked for last. An answer for another one is too late. */
  #wanted: string | null = null;

  /** @param options must have `addresses` and `codec`. The rest has defaults. */
  constructor(ports: ClientPorts, options: Partial<ClientOptions> & GivenOptions) {
    this.#ports = ports;
    this.#alarms = ports.alarms ?? new Set();
    this.#options = { ...defaultClientOptions, ...options };
    this.#connector = new Connector(ports, apiDialect(this.#options.codec), this.#options, {
      onOpen: (connection) => connection.send({ kind: 'hello', protocol: apiProtocol, client: this.#options.name }),
      onMessage: (connection, message) => this.#receive(connection, message),
      onLost: () => {
        this.#line.welcome = null;
        for (const part of this.#parts.values()) part.disconnected();
        this.#settle();
      },
      onMoveFailed: (address) => {
        this.#place?.unreachable(address, ports.clock.now());
        this.#arrive(false);
      },
      onOversized: (message, bytes, limit) => this.#oversized(message, bytes, limit),
      sendPing: (connection) => connection.send({ kind: 'ping', id: this.#calls.newId() }),
    });
    const line = new Line(this.#connector);
    this.#line = line;
    this.#calls = new CallTable(ports, this.#options, line, (call, replied) => {
      if (call.kind === 'data' && call.writeSession !== null) this.#sessions.finished(call.writeSession, call, replied);
    });
    this.#sessions = new Sessions(ports, this.#options, {
      calls: this.#calls,
      line,
      isCurrent: (session) => session.namespaceId === this.#place?.namespaceId,
      onLost: () => this.#setState('lost'),
      onSettled: () => this.#settle(),
    });
  }

  get state(): ClientState {
    return this.#state;
  }

  /** The welcome of the node to which this client is connected, and its address. Null while there is none. */
  get server(): (Welcome & { readonly address: string }) | null {
    const { active } = this.#connector;
    const { welcome } = this.#line;
    return welcome === null || active === null ? null : { ...welcome, address: active.address };
  }

  /** Why the last connection failed or ended. */
  get problem(): ConnectionProblem | null {
    return this.#connector.problem;
  }

  /** How many attempts to connect have failed since a node last answered. */
  get failedAttempts(): number {
    return this.#connector.failures;
  }

  /** The namespace that was entered last, and the session there. */
  get namespace(): PresentNamespace | null {
    const place = this.#place;
    if (place === null) return null;
    const { namespace: name, namespaceId: id } = place;
    return { name, id, session: this.#sessions.idIn(id), continued: this.#sessions.continuedIn(id) };
  }

  /** The highest op in any reply, for reads that must not see an older state (`atLeast`). */
  get lastOp(): number {
    return this.#lastOp;
  }

  /** Calls that have not ended. */
  get outstanding(): number {
    return this.#calls.count;
  }

  /** Calls `listener` at each change of state. The returned function ends this. */
  onState(listener: (state: ClientState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whatever happens to the client begins with this. @see ring */
  look(): number {
    return ring(this.#alarms);
  }

  start(): void {
    if (this.#started || this.#state === 'closed') return;
    this.#started = true;
    this.#connector.start();
  }

  /** Must be called every 10 to 20 ms. It checks deadlines, retries, reconnects and silence. */
  tick(): void {
    this.look();
    if (this.#state === 'closed' || !this.#started) return;
    const now = this.#ports.clock.now();
    const { active } = this.#connector;
    // A call that has not left this process is not late.
    this.#calls.tick(now, active?.buffered === 0);
    this.#connector.tick(this.#calls.owed);
    this.#arrivals.arrived(active?.address ?? '', false, now);
    if (this.#line.welcome === null) return;
    this.#sessions.tick(now);
    for (const part of this.#parts.values()) part.tick(now);
    const place = this.#place;
    if (this.#options.followRedirects && place?.due(now) === true) this.#refresh(place);
    if (!this.#reach.due(now)) return;
    this.#settle();
    const left = this.#connector.moveOn();
    if (left !== null) place?.avoid(left, now);
  }

  /**
   * For hosts that slept or changed networks. It asks the node for a sign of life, so that a dead connection is given
   * up soon. If the client waits before its next attempt to connect, it dials at once.
   */
  recheck(): void {
    if (this.#state === 'closed' || !this.#started) return;
    this.#connector.hurry();
    if (this.#line.welcome !== null) this.ping(() => undefined);
  }

  /** Ends every call, gives the sessions back and closes. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#setState('closed');
    // From here on nothing new is sent in place of the calls that end.
    this.#line.welcome = null;
    this.#calls.endAll('Closed', 'the client was closed');
    for (const part of this.#parts.values()) part.close();
    this.#arrivals.close();
    this.#sessions.close();
    this.#connector.close('done');
  }

  /** Succeeds when a node has answered. After `timeoutMs` it fails with the reason why none could be reached. */
  connected(done: (result: Result<null>) => void, timeoutMs = this.#options.requestTimeoutMs): Pending {
    return this.#ask({ kind: 'ping' }, timeoutMs, (result) => {
      const problem = this.#connector.problem;
      const never = this.#line.welcome === null && this.#state !== 'closed';
      if (result.ok) done(ok(null));
      else if (never && problem !== null) done({ ok: false, error: { ...problem.error, outcome: 'definite' } });
      else done(result);
    });
  }

  listNamespaces(done: (result: Result<readonly string[]>) => void, timeoutMs?: number): Pending {
    return this.#ask({ kind: 'listNamespaces' }, timeoutMs, (result) => {
      if (!result.ok) done(result);
      else if (result.value.kind === 'namespaces') done(ok(result.value.names));
    });
  }

  /** Measures the round trip, in milliseconds. */
  ping(done: (result: Result<number>) => void, timeoutMs?: number): Pending {
    const askedAtMs = this.#ports.clock.now();
    return this.#ask({ kind: 'ping' }, timeoutMs, (result) => {
      done(result.ok ? ok(this.#ports.clock.now() - askedAtMs) : result);
    });
  }

  /** Makes {@link execute} work in `namespace`. It moves to the node of the primary if the options say so. */
  enter(namespace: string, done: (result: Result<Entered>) => void, timeoutMs?: number): Pending {
    this.#wanted = namespace;
    const deadlineMs = this.#ports.clock.now() + this.#timeLimit(timeoutMs);
    const call = this.#ask({ kind: 'enter', namespace }, timeoutMs, (result) => {
      if (!result.ok) done(result);
      else if (namespace !== this.#wanted) done(fail('Closed', 'the namespace was left'));
      else if (result.value.kind === 'entered') this.#entered({ namespace, message: result.value, deadlineMs, done });
    });
    return {
      abandon: () => {
        call.abandon();
        this.#arrivals.abandon(done);
      },
    };
  }

  /** Leaves the namespace. Its session is given back when nothing is outstanding in it. */
  leave(): void {
    this.#place = this.#wanted = null;
    this.#sessions.retireOthers();
    this.#settle();
  }

  /**
   * Reads or writes in the namespace that was entered. The result is the reply of the namespace, which may itself be an
   * error (a path that does not exist). Otherwise it is an error that says why no reply came, and whether the write may
   * have happened.
   */
  execute(operation: Operation, options: ExecuteOptions, done: (result: Result<Reply>) => void): DataCall {
    this.look();
    const place = this.#place;
    const refusal = this.#state === 'closed' ? closed() : place === null ? fail('NotInNamespace', notEntered) : null;
    const consistency = isRead(operation) ? consistencyOf(options.consistency) : null;
    const namespaceId = place?.namespaceId ?? 0;
    const call = new DataCall(this.#calls, this.#calls.newId(), {
      timeoutMs: this.#timeLimit(options.timeoutMs),
      namespaceId,
      operation: this.#options.codec.pack(operation, consistency),
      consistency,
      writeSession: consistency !== null || refusal !== null ? null : this.#sessions.of(namespaceId),
      done,
    });
    const refused = refusal ?? this.#calls.admit(call);
    if (refused !== null) {
      this.#calls.endSoon(call, refused);
    } else if (call.writeSession === null) {
      this.#calls.begin(call);
    } else {
      this.#sessions.add(call.writeSession, call);
    }
    return call;
  }

  /** The part of this class. It is made when it is first asked for. */
  part<P extends ClientPart>(Part: PartClass<P>): P {
    let part = this.#parts.get(Part);
    if (part === undefined) this.#parts.set(Part, (part = new Part(this.#partHost())));
    // The table has each part under its own class.
    return part as P;
  }

  #partHost(): PartHost {
    return {
      ports: this.#ports,
      options: this.#options,
      newId: () => this.#calls.newId(),
      connected: () => this.#line.welcome !== null,
      send: (message) => this.#line.send(message),
      violation: (what) => this.#violation(this.#connector.active, what),
      execute: (operation, options, done) => this.execute(operation, options, done),
      keepAlive: (session) => this.#sessions.keepAlive(session),
      alarms: this.#alarms,
    };
  }

  #ask(question: Question, timeoutMs: number | undefined, settle: (result: Result<Incoming>) => void): ControlCall {
    this.look();
    const id = this.#calls.newId();
    const message = { ...question, id } as Outgoing;
    this.#options.codec.check(message);
    const call = new ControlCall(this.#calls, id, this.#timeLimit(timeoutMs), message, settle);
    const refused = this.#state === 'closed' ? closed() : this.#calls.admit(call);
    if (refused !== null) {
      this.#calls.endSoon(call, refused);
      return call;
    }
    this.#calls.begin(call);
    return call;
  }

  #receive(connection: ApiConnection, message: Incoming): void {
    this.look();
    if (connection !== this.#connector.active) {
      if (message.kind === 'welcome') this.#welcomed(connection, message);
      return;
    }
    switch (message.kind) {
      case 'reply':
        return this.#replied(connection, message.id, message);
      case 'error':
        return this.#refused(message.id, message.error);
      case 'entered':
      case 'namespaces':
      case 'pong': {
        // The question of this answer has already ended.
        const call = this.#calls.get(message.id);
        if (call === undefined) return;
        if (call.kind === 'control' && answers(call.request.kind, message.kind)) this.#calls.settle(call, message);
        else this.#violation(connection, `answered a ${describe(call)} by ${message.kind}`);
        return;
      }
      case 'standing':
        if (message.namespaceId === this.#place?.namespaceId) this.#reach.told(message.served);
        return this.#settle();
      case 'watching':
      case 'event':
      case 'snapshot':
      case 'progress':
      case 'notice':
        if (message.kind === 'watching') this.#serves();
        for (const part of this.#parts.values()) part.receive(message);
        return;
      case 'who':
        return this.#sessions.asked(message.namespaceId, message.session);
      case 'welcome':
      case 'goodbye':
        this.#violation(connection, `sent ${message.kind} where none belongs`);
    }
  }

  #welcomed(connection: ApiConnection, welcome: Welcome): void {
    if (welcome.protocol !== apiProtocol) {
      const problem = `${connection.address} speaks version ${welcome.protocol} of the API, this client ${apiProtocol}`;
      connection.fail(closeCodes.wrongProtocol, errorInfo('BadFrame', problem, { address: connection.address }));
      return;
    }
    connection.limitFrames(welcome.maxFrameBytes);
    this.#connector.takeUp(connection);
    this.#line.welcome = welcome;
    // Messages sent elsewhere may be lost. Numbers and sessions make it safe to send everything again, in order.
    this.#sessions.resume();
    this.#calls.sendAll();
    this.#sessions.connected();
    for (const part of this.#parts.values()) part.connected();
    this.#reach.moved(this.#place !== null);
    // We ask even if we shall not move to it, because the node reports a namespace's standing only to those that ask.
    if (this.#place !== null) this.#refresh(this.#place);
    this.#settle();
    this.#arrive(true);
  }

  #replied(connection: ApiConnection, id: number, message: Extract<Incoming, { kind: 'reply' }>): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    if (call.kind === 'control') {
      this.#serves();
      if (answers(call.request.kind, 'reply')) this.#calls.settle(call, message);
      else this.#violation(connection, `answered a ${describe(call)} by reply`);
      return;
    }
    const { reply } = message;
    if (call.writeSession !== null && reply.answer.kind === 'error' && refusedInLog.has(reply.answer.error.code)) {
      this.#refused(id, reply.answer.error);
      return;
    }
    if (reply.op > this.#lastOp) this.#lastOp = reply.op;
    if (call.namespaceId === this.#place?.namespaceId) this.#place.heard(reply.epoch, reply.view);
    if (call.consistency === null || call.consistency === linearizable) this.#serves();
    this.#calls.end(call, ok(reply), true);
  }

  /** A quorum has answered. */
  #serves(): void {
    this.#reach.served();
    if (this.#state === 'suspended') this.#settle();
  }

  #refused(id: number, error: ErrorInfo): void {
    this.#reach.refused(error.code, this.#ports.clock.now());
    const call = this.#calls.get(id);
    if (call === undefined) {
      for (const part of this.#parts.values()) if (part.refused(id, error)) return;
      return;
    }
    if (error.code === 'NotPrimary' || error.code === 'NoPrimary') this.#place?.doubt();
    if (call.kind === 'data' && call.writeSession !== null && this.#sessions.lostBy(error)) {
      this.#sessions.gone(call.writeSession, error);
    } else {
      this.#calls.refused(call, error);
    }
  }

  #oversized(message: Outgoing, bytes: number, limit: number): void {
    const call = 'id' in message ? this.#calls.get(message.id) : undefined;
    if (call === undefined) return;
    const problem = `the request takes ${bytes} bytes, and a frame may have ${limit}`;
    this.#calls.refused(call, errorInfo('LimitExceeded', problem, { limit, actual: bytes }));
  }

  #violation(connection: ApiConnection | null, what: string): void {
    const address = connection?.address ?? '';
    connection?.fail(closeCodes.badFrame, errorInfo('BadFrame', `${address} ${what}`, { address }));
  }

  #entered(arrival: Arrival): void {
    const { namespace, message } = arrival;
    if (this.#place?.namespaceId !== message.namespaceId || this.#place.namespace !== namespace) {
      this.#place = new Place(namespace, message.namespaceId);
      this.#sessions.retireOthers();
      this.#settle();
    }
    this.#place.answered(message.epoch, message.view, message.primary);
    this.#serves();
    this.#arrivals.add(arrival);
    if (!this.#move(this.#place, message)) this.#arrive(false);
  }

  /** Asks again where the primary is. No call waits for the answer. */
  #refresh(place: Place): void {
    this.#ask({ kind: 'enter', namespace: place.namespace }, undefined, (result) => {
      if (!result.ok || result.value.kind !== 'entered' || result.value.namespaceId !== place.namespaceId) {
        place.failed();
        return;
      }
      place.answered(result.value.epoch, result.value.view, result.value.primary);
      if (place !== this.#place) return;
      this.#reach.answered();
      this.#settle();
      this.#move(place, result.value);
    });
  }

  /** True when a move to the primary's node has begun. */
  #move(place: Place, { here, primary }: EnteredMessage): boolean {
    if (!this.#options.followRedirects || here || primary === null) return false;
    const active = this.#connector.active;
    if (active === null || active.address === primary.apiAddress) return false;
    if (!place.mayTry(primary.apiAddress, this.#ports.clock.now())) return false;
    return this.#connector.moveTo(primary.apiAddress);
  }

  #arrive(redirected: boolean): void {
    this.#arrivals.arrived(this.#connector.active?.address ?? '', redirected);
  }

  /** Sets the state from what is known now. */
  #settle(): void {
    if (this.#line.welcome !== null)
      this.#setState(this.#sessions.lost ? 'lost' : this.#reach.lost ? 'suspended' : 'ready');
    else if (this.#state !== 'connecting') this.#setState('suspended');
  }

  /** The time-out of a call. An invalid one ends the call at once. */
  #timeLimit(timeoutMs = this.#options.requestTimeoutMs): number {
    return timeoutMs >= 1 ? timeoutMs : 1;
  }

  #setState(state: ClientState): void {
    if (state === this.#state || this.#state === 'closed') return;
    this.look();
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
