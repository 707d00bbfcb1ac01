/**
 * The sessions of a namespace (protocol §7). Only entries of the log register, keep alive, expire and evict them. Each
 * has a window of replies, so that a request is executed once however often it arrives. The table is copy-on-write, for
 * snapshots.
 */

import { invariant } from '../base/assert.ts';
import type { ErrorInfo } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import { utf8Length } from '../base/bytes.ts';
import type { RequestNumber, SessionId } from '../base/ids.ts';
import type { SessionSecret } from '../base/session-secret.ts';
import { opens } from '../base/session-secret.ts';
import type { ClientIdentity } from './body.ts';
import type { IdleNode } from './idle-order.ts';
import { IdleOrder } from './idle-order.ts';
import type { ServiceLimits } from './limits.ts';
import { ReplyWindow, digestOf } from './reply-window.ts';

/**
 * What a session and each kept reply count for in addition to their text and bytes. The size decides when a checkpoint
 * is due.
 */
const sessionOverheadBytes = 80;
const replyOverheadBytes = 16;

/**
 * When another client claims a ClientID, its holder has this much replicated time to give a sign of life. The node asks
 * it for one as soon as it is in doubt. A client that comes back to a node gives one without being asked.
 */
export const doubtMs = 5000;

/**
 * A session that gave a sign of life within this fraction of its expiry time is alive, and is never ended to make room.
 * A client that keeps a session gives at least two signs of life in that time.
 */
const livingPart = 10;

/** A session's hold on its ClientID. */
export interface Holding {
  readonly identity: ClientIdentity;
  /** The claim that made it, and how that claim was answered. */
  readonly attempt: number;
  readonly continued: boolean;
  /** When another client claimed the id; null if none did. */
  readonly doubtedMs: number | null;
}

/** What a claim says. */
export interface ClaimWish {
  readonly client: string;
  readonly identity: ClientIdentity;
  readonly attempt: number;
  /** The session that the claiming process had last; 0 for a process that has just begun. */
  readonly previous: SessionId;
  readonly secret: SessionSecret;
}

/** One session. To change it, first ask {@link Sessions} for a writable one. */
export interface Session {
  /** The op number of its registration. */
  readonly id: SessionId;
  readonly client: string;
  /** A client must show this to use the session. */
  readonly secret: SessionSecret;
  /** How it holds a ClientID; null for a session without one. */
  holding: Holding | null;
  readonly idle: IdleNode;
  /** Replicated time of the last sign of life. */
  seenMs: number;
  window: ReplyWindow;
  /** The hold count at which the record and its window became this table's alone. */
  generation: number;
  windowGeneration: number;
}

/** What a session begins with: when it is registered, claimed or restored. */
type Inserted = Pick<Session, 'id' | 'client' | 'secret' | 'holding' | 'seenMs' | 'window'>;

/** What to do with a request that has reached execution. */
export type Admission =
  | { readonly kind: 'execute'; readonly session: Session }
  | { readonly kind: 'kept'; readonly reply: Uint8Array }
  | { readonly kind: 'refused'; readonly error: ErrorInfo };

/** The result of a claim. */
export type Claim =
  | {
      readonly kind: 'claimed';
      readonly session: Readonly<Session>;
      readonly continued: boolean;
      /** How many sessions were evicted to make room for it. */
      readonly evicted: number;
    }
  /** `doubted`: the session whose holder must be asked whether it is alive; null when there is none to ask. */
  | { readonly kind: 'refused'; readonly error: ErrorInfo; readonly doubted: SessionId | null };

export class Sessions {
  readonly #limits: ServiceLimits;
  /** In the order of ids. Op numbers only grow, so the order of insertion is the order of ids. */
  readonly #byId = new Map<SessionId, Session>();
  readonly #byClient = new Map<string, number>();
  readonly #idle = new IdleOrder();
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

  /** The session, for a client that knows its secret. For any other client it does not exist. */
  spokenAs(id: SessionId, secret: SessionSecret): Readonly<Session> | undefined {
    const session = this.#byId.get(id);
    return session !== undefined && opens(session.secret, secret) ? session : undefined;
  }

  /**
   * Makes session `id` and returns how many sessions it evicted for that. Returns an error when there is no room and
   * every session is alive.
   */
  register(id: SessionId, client: string, secret: SessionSecret, nowMs: number): number | ErrorInfo {
    const evicted = this.#makeRoom(nowMs);
    if (typeof evicted === 'number') {
      this.#insert({ id, client, secret, holding: null, seenMs: nowMs, window: new ReplyWindow(0) });
    }
    return evicted;
  }

  /**
   * A session for the holder of a ClientID.
   *
   * A process of the incarnation that holds the id takes it over from the process before, and the old session ends. A
   * process that was itself replaced in this way may not take it back, or the two would take it from each other for
   * ever. Such a process, or one of another incarnation, puts the holder in doubt: the holder is asked whether it is
   * alive. If it gives no sign of life, a later claim takes the id from it.
   */
  claim(id: SessionId, wish: ClaimWish, nowMs: number): Claim {
    const { identity, attempt, previous } = wish;
    const known = this.#byId.get(this.#byClient.get(identity.id) ?? 0);
    const holding = known?.holding ?? null;
    if (known === undefined || holding === null) return this.#claimed(id, wish, false, nowMs);
    const same = holding.identity.incarnation === identity.incarnation;
    if (same && holding.attempt === attempt) {
      // A claim that is sent again gets the same answer, whatever was asked in between.
      this.#see(this.#writable(known), nowMs);
      return { kind: 'claimed', session: known, continued: holding.continued, evicted: 0 };
    }
    if (same && (previous === 0 || previous === known.id)) return this.#takeOver(known.id, id, wish, true, nowMs);
    return this.#doubt(this.#writable(known), holding, id, wish, nowMs);
  }

  #doubt(held: Session, holding: Holding, id: SessionId, wish: ClaimWish, nowMs: number): Claim {
    const { identity } = wish;
    const inDoubt = holding.doubtedMs !== null && held.seenMs <= holding.doubtedMs;
    // A sign of life since the holder was last asked counts, unless it was asked for another claim long ago.
    const alive = !inDoubt && holding.doubtedMs !== null && nowMs - holding.doubtedMs <= 2 * doubtMs;
    const doubtedMs = inDoubt ? holding.doubtedMs : nowMs;
    const leftMs = doubtedMs + doubtMs - nowMs;
    const same = holding.identity.incarnation === identity.incarnation;
    if (leftMs <= 0) return this.#takeOver(held.id, id, wish, same, nowMs);
    if (alive && same) {
      const text = `Client id ${identity.id} was taken over by another process, which is alive. Two processes must not share an incarnation: end this one, or give it an incarnation of its own`;
      return {
        kind: 'refused',
        error: errorInfo('ClientIdTaken', text, { clientId: identity.id, session: held.id }),
        doubted: null,
      };
    }
    held.holding = { ...holding, doubtedMs };
    const idleMs = nowMs - held.seenMs;
    const details = { clientId: identity.id, session: held.id, alive, idleMs, retryAfterMs: leftMs };
    const state = alive
      ? 'which was asked and is alive'
      : `which gave a sign of life ${idleMs} ms ago and is now asked for another`;
    const text = `Client id ${identity.id} is held by session ${held.id}, ${state}`;
    return { kind: 'refused', error: errorInfo('ClientIdHeld', text, details), doubted: held.id };
  }

  #takeOver(held: SessionId, id: SessionId, wish: ClaimWish, continued: boolean, nowMs: number): Claim {
    this.#remove(held);
    return this.#claimed(id, wish, continued, nowMs);
  }

  #claimed(id: SessionId, wish: ClaimWish, continued: boolean, nowMs: number): Claim {
    const evicted = this.#makeRoom(nowMs);
    if (typeof evicted !== 'number') return { kind: 'refused', error: evicted, doubted: null };
    const { client, secret, identity, attempt } = wish;
    const holding = { identity, attempt, continued, doubtedMs: null };
    const session = this.#insert({ id, client, secret, holding, seenMs: nowMs, window: new ReplyWindow(0) });
    return { kind: 'claimed', session, continued, evicted };
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
      const oldest = this.#idle.oldest()!;
      const idleMs = nowMs - oldest.seenMs;
      if (idleMs * livingPart < sessionMs) {
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
    const { window } = this.#insert(session);
    this.#bytes += window.bytes + window.count * replyOverheadBytes;
  }

  #insert({ id, client, secret, holding, seenMs, window }: Inserted): Session {
    invariant(id > this.#lastId, 'session ids grow with the log', { id, last: this.#lastId });
    this.#lastId = id;
    const generation = this.#holds;
    const idle = this.#idle.add(id, seenMs);
    const session: Session = {
      id,
      client,
      secret,
      holding,
      idle,
      seenMs,
      window,
      generation,
      windowGeneration: generation,
    };
    this.#byId.set(id, session);
    if (holding !== null) this.#byClient.set(holding.identity.id, id);
    this.#bytes += ownBytes(session);
    return session;
  }

  /**
   * Ends a session for a client that knows its secret. False for any other client, and when the session is already
   * gone.
   */
  unregister(id: SessionId, secret: SessionSecret): boolean {
    return this.spokenAs(id, secret) !== undefined && this.#remove(id);
  }

  #remove(id: SessionId): boolean {
    const session = this.#byId.get(id);
    if (session === undefined) return false;
    this.#byId.delete(id);
    this.#idle.remove(session.idle);
    const { window, holding } = session;
    if (holding !== null) this.#byClient.delete(holding.identity.id);
    this.#bytes -= ownBytes(session) + window.bytes + window.count * replyOverheadBytes;
    return true;
  }

  /** Records a sign of life from a client that knows the secret. */
  keepAlive(id: SessionId, secret: SessionSecret, nowMs: number): void {
    const session = this.#byId.get(id);
    if (session !== undefined && opens(session.secret, secret)) this.#see(this.#writable(session), nowMs);
  }

  /** Ends every session that is due at `nowMs`, oldest first, and returns how many. */
  expire(nowMs: number): number {
    let expired = 0;
    for (;;) {
      const deadline = this.deadline();
      if (deadline === null || deadline > nowMs) return expired;
      this.#remove(this.#idle.oldest()!.id);
      expired++;
    }
  }

  /** The replicated time at which the next session is due, if it gives no sign of life before then. */
  deadline(): number | null {
    const oldest = this.#idle.oldest();
    return oldest === null ? null : Math.min(oldest.seenMs + this.#limits.sessionMs, Number.MAX_SAFE_INTEGER);
  }

  /**
   * Decides what to do with a request of the log, and drops the replies that the client says it has received. The
   * primary prepares only what can be executed (protocol §7). This checks again, so that a duplicate that slips through
   * still runs only once and in order.
   */
  admit(id: SessionId, request: RequestNumber, answered: RequestNumber, body: Uint8Array, nowMs: number): Admission {
    const known = this.#byId.get(id);
    if (known === undefined) {
      return refused(errorInfo('SessionGone', `Session ${id} is gone`, { session: id }));
    }
    const session = this.#writable(known);
    this.#see(session, nowMs);
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

/** What a session counts for without its replies. */
function ownBytes({ client, holding }: Pick<Session, 'client' | 'holding'>): number {
  return sessionOverheadBytes + utf8Length(client) + (holding === null ? 0 : utf8Length(holding.identity.id) + 32);
}

/** Another operation already has this number, and its reply is no answer to this one. */
export function numberTaken(session: SessionId, request: RequestNumber): ErrorInfo {
  const text = `Request ${request} of session ${session} was sent before with another operation; this one needs a number of its own`;
  return errorInfo('BadArgument', text, { session, request });
}

function refused(error: ErrorInfo): Admission {
  return { kind: 'refused', error };
}

function windowExceeded(name: string, limit: number, actual: number): ErrorInfo {
  const message = `The session's window is full: ${name} is ${limit}, this needs ${actual}`;
  return errorInfo('WindowExceeded', message, { name, limit, actual });
}
