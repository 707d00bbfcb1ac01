/**
 * The sessions of a namespace (protocol §7). Only entries of the log register, keep alive, expire and evict them. Each
 * has a window of replies, so that a request is executed once however often it arrives. The table is copy-on-write, for
 * snapshots.
 */

import { invariant } from '../base/assert.ts';
import type { ErrorInfo } from '../base/errors.ts';
import { errorInfo, sessionGone } from '../base/errors.ts';
import { compareText } from '../base/bytes.ts';
import type { Op, RequestNumber, SessionId } from '../base/ids.ts';
import type { SessionSecret } from '../base/session-secret.ts';
import { opens } from '../base/session-secret.ts';
import type { Belonging } from '../tree/acting.ts';
import { badArgument, limitExceeded } from '../tree/failure.ts';
import type { Failure } from '../tree/failure.ts';
import { defaultLeaseMs } from '../tree/operations/claims.ts';
import { IdleOrder } from './idle-order.ts';
import type { ServiceLimits } from './limits.ts';
import {
  bytesOfRecord,
  bytesOfRecords,
  fresh,
  keyOf,
  leasedHolder,
  numberTaken,
  ownBytes,
  refused,
  replyOverheadBytes,
  windowExceeded,
} from './session.ts';
import type { Admission, Bind, BindWish, Binding, Inserted, Session } from './session.ts';

import { ReplyWindow, digestOf } from './reply-window.ts';
import type { BelongingRecord } from './told.ts';

/**
 * When another client binds a ClientID, its holder has this much replicated time to give a sign of life. The node asks
 * it for one as soon as it is in doubt. A client that comes back to a node gives one without being asked.
 */
export const doubtMs = 5000;

/**
 * A session that gave a sign of life within this fraction of its expiry time is alive, and is never ended to make room.
 * A client that keeps a session gives at least two signs of life in that time.
 */
const livingPart = 10;

/** Claims and other belongings of one session, with what it was told of them and has not heard. */
export const maxBelongings = 1024;
/** The part of all sessions that may have a lease. The others can be evicted to make room. */
const leasedPart = 3 / 4;

export class Sessions {
  readonly #limits: ServiceLimits;
  /** In the order of ids. Op numbers only grow, so the order of insertion is the order of ids. */
  readonly #byId = new Map<SessionId, Session>();
  readonly #byClient = new Map<string, number>();
  /** Sessions without a lease, which may be evicted, by their last sign of life. */
  readonly #idle = new IdleOrder();
  /** Sessions with a lease, by its end. */
  readonly #leased = new IdleOrder();
  #holds = 0;
  #bytes = 0;
  #lastId: SessionId = 0;

  constructor(limits: ServiceLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The size in bytes, as all replicas count it. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: SessionId): Session | undefined {
    return this.#byId.get(id);
  }

  /**
   * The session, for a client that knows its secret. For any other client it does not exist, and neither does one that
   * another process continues.
   */
  spokenAs(id: SessionId, secret: SessionSecret): Readonly<Session> | undefined {
    const session = this.#byId.get(id);
    return session !== undefined && !session.continued && opens(session.secret, secret) ? session : undefined;
  }

  /** True for a session that another process continues, if the client knows its secret. */
  isContinued(id: SessionId, secret: SessionSecret): boolean {
    const session = this.#byId.get(id);
    return session?.continued === true && opens(session.secret, secret);
  }

  /** True when a session has been silent for too long at `nowMs`. That is final (coordination §2). */
  isDue(id: SessionId, nowMs: number): boolean {
    const session = this.#byId.get(id);
    return session !== undefined && nowMs >= this.#dueMs(session);
  }

  #dueMs({ seenMs, leaseMs }: Session): number {
    return Math.min(seenMs + (leaseMs === 0 ? this.#limits.sessionMs : leaseMs), Number.MAX_SAFE_INTEGER);
  }

  /** The session that has a ClientID, or 0. */
  holderOf(clientId: string): SessionId {
    return this.#byClient.get(clientId) ?? 0;
  }

  // What belongs to sessions (coordination §2, §3).

  /** True when nothing may be granted to a session any more. */
  over(id: SessionId, nowMs: number): boolean {
    const session = this.#byId.get(id);
    return session === undefined || session.continued || nowMs >= this.#dueMs(session);
  }

  /** Until when a session may count on what it holds. */
  countsUntil(id: SessionId): number {
    const session = this.#byId.get(id);
    return session === undefined ? 0 : this.#dueMs(session);
  }

  /** 0 for a session without a lease. */
  leaseOf(id: SessionId): number {
    return this.#byId.get(id)?.leaseMs ?? 0;
  }

  /** How many more belongings a session may have. */
  roomOf(id: SessionId): number {
    const session = this.#byId.get(id);
    return session === undefined ? 0 : maxBelongings - (session.belongings?.size ?? 0) - session.records.length;
  }

  changedOf(id: SessionId): Op {
    return this.#byId.get(id)?.changed ?? 0;
  }

  /** Why a session may not have another belonging, or may not ask for this lease. */
  refusesBelonging(
    id: SessionId,
    leaseMs: number | null,
    entry: { readonly count: number; readonly leaseMs: number },
  ): Failure | null {
    const session = this.#byId.get(id);
    invariant(session !== undefined, 'a session that executes a request lives', { session: id });
    const lease = session.leaseMs > 0 ? session.leaseMs : entry.leaseMs;
    if (lease > 0 && leaseMs !== null && leaseMs !== lease) {
      const text = `The lease of session ${id} is ${lease} ms, and is set once`;
      return badArgument(text, { field: 'leaseMs', actual: lease, asked: leaseMs });
    }
    const actual = (session.belongings?.size ?? 0) + session.records.length + entry.count + 1;
    if (actual > maxBelongings) return limitExceeded('maxBelongings', maxBelongings, actual, { session: id });
    const most = Math.floor(this.#limits.maxSessions * leasedPart);
    if (session.leaseMs > 0 || this.#leased.size < most) return null;
    return limitExceeded('maxLeasedSessions', most, this.#leased.size + 1, { session: id });
  }

  gained(id: SessionId, belonging: Belonging, leaseMs: number | null): void {
    const session = this.#writable(this.#byId.get(id)!);
    if (session.leaseMs === 0) this.#lease(session, leaseMs ?? defaultLeaseMs);
    this.own(session.id, belonging);
  }

  /** Notes what belongs to a session, also when a state is restored. False when there is no such session. */
  own(id: SessionId, belonging: Belonging): boolean {
    const session = this.#byId.get(id);
    if (session === undefined) return false;
    session.belongings ??= new Map();
    session.belongings.set(keyOf(belonging), belonging);
    return true;
  }

  #lease(session: Session, leaseMs: number): void {
    this.#idle.remove(session.idle);
    session.leaseMs = leaseMs;
    session.idle = this.#leased.add(session.id, session.seenMs, leaseMs);
  }

  /** A belonging is gone. The last one of a session that another process continues ends that session. */
  gaveUp(id: SessionId, belonging: Belonging): void {
    const session = this.#byId.get(id);
    if (session?.belongings == null) return;
    session.belongings.delete(keyOf(belonging));
    if (session.continued && session.belongings.size === 0) this.#remove(id);
  }

  /** Keeps what a session must be told until it has heard it. Returns false when there is no one to tell. */
  tell(id: SessionId, record: BelongingRecord): boolean {
    const known = this.#byId.get(id);
    if (known === undefined || known.continued) return false;
    const session = this.#writable(known);
    session.changed = record.op;
    session.records = [...session.records, record];
    this.#bytes += bytesOfRecord(record);
    return true;
  }

  /** What belongs to a session, in the order in which it was made. */
  belongingsOf(id: SessionId): readonly Belonging[] {
    const belongings = this.#byId.get(id)?.belongings;
    if (belongings == null || belongings.size === 0) return [];
    return [...belongings.values()].sort(
      (a, b) => a.id - b.id || compareText(a.path, b.path) || (a.item ?? 0) - (b.item ?? 0),
    );
  }

  /** Ends a session, whoever asks. */
  end(id: SessionId): void {
    this.#remove(id);
  }

  /**
   * Makes session `id` and returns how many sessions it evicted for that. Returns an error when there is no room and
   * every session is alive.
   */
  register(id: SessionId, client: string, secret: SessionSecret, nowMs: number): number | ErrorInfo {
    const evicted = this.#makeRoom(nowMs);
    if (typeof evicted === 'number') {
      this.#insert({ id, client, secret, binding: null, seenMs: nowMs, ...fresh() });
    }
    return evicted;
  }

  /**
   * A session for the holder of a ClientID.
   *
   * A process of the incarnation that holds the id takes it over from the process before, and the old session ends. A
   * process that was itself replaced in this way may not take it back, or the two would take it from each other for
   * ever. Such a process, or one of another incarnation, puts the holder in doubt: the holder is asked whether it is
   * alive. If it gives no sign of life, a later bind takes the id from it.
   */
  bind(id: SessionId, wish: BindWish, nowMs: number): Bind {
    const { identity, attempt, previous } = wish;
    const known = this.#byId.get(this.#byClient.get(identity.id) ?? 0);
    const binding = known?.binding ?? null;
    if (known === undefined || binding === null) return this.#bound(id, wish, false, nowMs);
    const same = binding.identity.incarnation === identity.incarnation;
    if (same && binding.attempt === attempt) {
      // A bind that is sent again gets the same answer, whatever was asked in between. It renews no lease, because nobody
      // can tell when it was sent (coordination §2).
      if (known.leaseMs === 0) this.#see(this.#writable(known), nowMs);
      return { kind: 'bound', session: known, continued: binding.continued, evicted: 0, continues: 0 };
    }
    if (same && (previous === 0 || previous === known.id)) return this.#takeOver(known.id, id, wish, true, nowMs);
    if ((known.belongings?.size ?? 0) > 0)
      return { kind: 'refused', error: leasedHolder(known, identity, this.#dueMs(known) - nowMs), doubted: null };
    return this.#doubt(this.#writable(known), binding, id, wish, nowMs);
  }

  #doubt(held: Session, binding: Binding, id: SessionId, wish: BindWish, nowMs: number): Bind {
    const { identity } = wish;
    const inDoubt = binding.doubtedMs !== null && held.seenMs <= binding.doubtedMs;
    // A sign of life since the holder was last asked counts, unless it was asked for another bind long ago.
    const alive = !inDoubt && binding.doubtedMs !== null && nowMs - binding.doubtedMs <= 2 * doubtMs;
    const doubtedMs = inDoubt ? binding.doubtedMs : nowMs;
    const leftMs = doubtedMs + doubtMs - nowMs;
    const same = binding.identity.incarnation === identity.incarnation;
    if (leftMs <= 0) return this.#takeOver(held.id, id, wish, same, nowMs);
    if (alive && same) {
      const text = `Client id ${identity.id} was taken over by another process, which is alive. Two processes must not share an incarnation: end this one, or give it an incarnation of its own`;
      return {
        kind: 'refused',
        error: errorInfo('ClientIdTaken', text, { clientId: identity.id, session: held.id }),
        doubted: null,
      };
    }
    held.binding = { ...binding, doubtedMs };
    const idleMs = nowMs - held.seenMs;
    const details = { clientId: identity.id, session: held.id, alive, idleMs, retryAfterMs: leftMs };
    const state = alive
      ? 'which was asked and is alive'
      : `which gave a sign of life ${idleMs} ms ago and is now asked for another`;
    const text = `Client id ${identity.id} is held by session ${held.id}, ${state}`;
    return { kind: 'refused', error: errorInfo('ClientIdHeld', text, details), doubted: held.id };
  }

  #takeOver(held: SessionId, id: SessionId, wish: BindWish, continued: boolean, nowMs: number): Bind {
    const known = this.#byId.get(held)!;
    if ((known.belongings?.size ?? 0) === 0) {
      this.#remove(held);
      return this.#bound(id, wish, continued, nowMs);
    }
    const evicted = this.#makeRoom(nowMs);
    if (typeof evicted !== 'number') return { kind: 'refused', error: evicted, doubted: null };
    // Its process may still count on what it holds, so it stays until that is over (coordination §6).
    const before = this.#writable(known);
    this.#bytes -= ownBytes(before);
    before.binding = null;
    before.continued = true;
    this.#bytes += ownBytes(before);
    this.#byClient.delete(wish.identity.id);
    const bound = this.#bound(id, wish, continued, nowMs);
    return bound.kind === 'bound' ? { ...bound, evicted, continues: held } : bound;
  }

  #bound(id: SessionId, wish: BindWish, continued: boolean, nowMs: number): Bind {
    const evicted = this.#makeRoom(nowMs);
    if (typeof evicted !== 'number') return { kind: 'refused', error: evicted, doubted: null };
    const { client, secret, identity, attempt } = wish;
    const binding = { identity, attempt, continued, doubtedMs: null };
    const session = this.#insert({ id, client, secret, binding, seenMs: nowMs, ...fresh() });
    return { kind: 'bound', session, continued, evicted, continues: 0 };
  }

  /**
   * Ends sessions until there is room for one more, and returns how many. Returns an error when no session may be
   * ended. Those that were idle longest go first, and none that is alive. So a client that makes sessions without end
   * only ends sessions that no client keeps alive.
   */
  #makeRoom(nowMs: number): number | ErrorInfo {
    const { maxSessions, sessionMs } = this.#limits;
    let evicted = 0;
    while (this.#byId.size >= maxSessions) {
      const oldest = this.#idle.first();
      const idleMs = oldest === null ? 0 : nowMs - oldest.seenMs;
      if (oldest === null || idleMs * livingPart < sessionMs) {
        const details = { name: 'maxSessions', limit: maxSessions, actual: this.#byId.size + 1 };
        const text = `Limit exceeded: maxSessions is ${maxSessions}, and all of them are alive; the idlest gave a sign of life ${idleMs} ms ago`;
        return { ...errorInfo('LimitExceeded', text, details), retryable: true };
      }
      this.#remove(oldest.id);
      evicted++;
    }
    invariant(this.#byId.size < this.#limits.maxSessions, 'there are never more sessions than the limit', {
      sessions: this.#byId.size,
    });
    return evicted;
  }

  /** Puts back a session of a snapshot. Call it in the order of ids. */
  restore(session: Inserted): void {
    const { window, records } = this.#insert(session);
    this.#bytes += window.bytes + window.count * replyOverheadBytes + bytesOfRecords(records);
  }

  #insert(begins: Inserted): Session {
    const { id, binding, seenMs, leaseMs } = begins;
    invariant(id > this.#lastId, 'session ids grow with the log', { id, last: this.#lastId });
    this.#lastId = id;
    const generation = this.#holds;
    const idle = leaseMs === 0 ? this.#idle.add(id, seenMs, 0) : this.#leased.add(id, seenMs, leaseMs);
    const session: Session = { ...begins, idle, belongings: null, generation, windowGeneration: generation };
    this.#byId.set(id, session);
    if (binding !== null) this.#byClient.set(binding.identity.id, id);
    this.#bytes += ownBytes(session);
    return session;
  }

  /**
   * True for a client that knows the secret of a session that has not ended, even if another process continues it.
   */
  mayUnregister(id: SessionId, secret: SessionSecret): boolean {
    const session = this.#byId.get(id);
    return session !== undefined && opens(session.secret, secret);
  }

  #remove(id: SessionId): boolean {
    const session = this.#byId.get(id);
    if (session === undefined) return false;
    this.#byId.delete(id);
    (session.leaseMs === 0 ? this.#idle : this.#leased).remove(session.idle);
    const { window, binding, records } = session;
    if (binding !== null) this.#byClient.delete(binding.identity.id);
    this.#bytes -= ownBytes(session) + window.bytes + window.count * replyOverheadBytes + bytesOfRecords(records);
    return true;
  }

  /**
   * Records a sign of life from a client that knows the secret. It has heard everything up to `heard`. Returns the
   * session with what it has not heard of, or null for any other client.
   */
  keepAlive(id: SessionId, secret: SessionSecret, heard: Op, nowMs: number): Readonly<Session> | null {
    const known = this.spokenAs(id, secret);
    if (known === undefined) return null;
    const session = this.#writable(known);
    this.#see(session, nowMs);
    const { records } = session;
    if (records.length > 0 && records[0]!.op <= heard) {
      session.records = records.filter(({ op }) => op > heard);
      this.#bytes += bytesOfRecords(session.records) - bytesOfRecords(records);
    }
    return session;
  }

  /** The session that is due first, with when, or null when there is none. */
  nextDue(): { readonly id: SessionId; readonly atMs: number } | null {
    const idle = this.#idle.first();
    const leased = this.#leased.first();
    const idleMs = idle === null ? Infinity : Math.min(idle.seenMs + this.#limits.sessionMs, Number.MAX_SAFE_INTEGER);
    if (leased !== null && (leased.keyMs < idleMs || (leased.keyMs === idleMs && leased.id < idle!.id)))
      return { id: leased.id, atMs: leased.keyMs };
    return idle === null ? null : { id: idle.id, atMs: idleMs };
  }

  /**
   * Decides what to do with a request of the log, and drops the replies that the client says it has received. The
   * primary prepares only what can be executed (protocol §7). This checks again, so that a duplicate that slips through
   * still runs only once and in order.
   */
  admit(id: SessionId, request: RequestNumber, answered: RequestNumber, body: Uint8Array, nowMs: number): Admission {
    const known = this.#byId.get(id);
    if (known === undefined || known.continued) return refused(sessionGone(id, known !== undefined));
    const session = this.#writable(known);
    if (request < session.window.base) {
      const details = { session: id, request, lowest: session.window.base };
      return refused(errorInfo('RequestTooOld', `Request ${request} is below the window of session ${id}`, details));
    }
    this.#trim(session, Math.min(answered, request));
    const { window } = session;
    if (request < window.next) {
      if (window.digest(request) === digestOf(body)) return { kind: 'kept', reply: window.get(request) };
      return refused(numberTaken(id, request));
    }
    const { maxWindow, maxWindowReplyBytes } = this.#limits;
    if (request - window.base >= maxWindow) {
      return refused(windowExceeded('maxWindow', maxWindow, request - window.base + 1));
    }
    if (window.bytes >= maxWindowReplyBytes) {
      return refused(windowExceeded('maxWindowReplyBytes', maxWindowReplyBytes, window.bytes));
    }
    if (request > window.next) {
      // An earlier request was refused when it came to be executed. This one must not overtake it (V15).
      const details = { session: id, request, expected: window.next };
      return refused(errorInfo('Retry', `Request ${request} came before ${window.next} was executed`, details));
    }
    // Only what is executed is a sign of life, because its sender can tell when it was sent first (coordination §2).
    this.#see(session, nowMs);
    return { kind: 'execute', session };
  }

  /** Keeps the reply of the request that {@link admit} let through. It is the session's next request. */
  keep(session: Session, reply: Uint8Array, body: Uint8Array): void {
    this.#writableWindow(session).push(reply, digestOf(body));
    this.#bytes += reply.length + replyOverheadBytes;
  }

  /**
   * The sessions that were registered last, newest first, at most `most`. The caller may only read them, and only at
   * once.
   */
  newest(most: number): readonly Readonly<Session>[] {
    let left = Math.max(0, this.#byId.size - most);
    const found: Session[] = [];
    for (const session of this.#byId.values()) if (left-- <= 0) found.push(session);
    return found.reverse();
  }

  /**
   * All sessions in the order of ids. They stay as they are now, whatever is applied later. This copies at most
   * `maxSessions` pointers.
   */
  hold(): readonly Readonly<Session>[] {
    const held = [...this.#byId.values()];
    this.#holds++;
    return held;
  }

  #see(session: Session, nowMs: number): void {
    if (nowMs <= session.seenMs) return;
    session.seenMs = nowMs;
    session.idle.seenMs = nowMs;
  }

  #trim(session: Session, base: RequestNumber): void {
    if (base <= session.window.base) return;
    const window = this.#writableWindow(session);
    const before = window.bytes + window.count * replyOverheadBytes;
    window.trim(base);
    this.#bytes += window.bytes + window.count * replyOverheadBytes - before;
  }

  #writable(session: Session): Session {
    if (session.generation === this.#holds) return session;
    const copy: Session = { ...session, generation: this.#holds };
    this.#byId.set(copy.id, copy);
    return copy;
  }

  #writableWindow(session: Session): ReplyWindow {
    if (session.windowGeneration !== this.#holds) {
      session.window = session.window.clone();
      session.windowGeneration = this.#holds;
    }
    return session.window;
  }
}
