/**
 * The sessions of a namespace (protocol §7): registered, kept alive, expired and evicted only by entries of the log, each with
 * the window of replies by which a request is executed once however often it arrives. Copy-on-write, for snapshots.
 */

import { invariant } from '../base/assert.ts';
import type { ErrorInfo } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import { utf8Length } from '../base/bytes.ts';
import type { ClientIdentity } from './body.ts';
import type { IdleNode } from './idle-order.ts';
import { IdleOrder } from './idle-order.ts';
import type { ServiceLimits } from './limits.ts';
import { ReplyWindow } from './reply-window.ts';

/** What a session and each kept reply count for beside their text and bytes, in the size that checkpoints are due by. */
const sessionOverheadBytes = 64;
const replyOverheadBytes = 8;

/**
 * How long the holder of a ClientID that another one claims has to give a sign of life, in replicated time: it is asked for one as soon as
 * it is in doubt, and whoever comes back to a node gives one without being asked.
 */
export const doubtMs = 5000;

/** A session's hold on its ClientID. */
export interface Holding {
  readonly identity: ClientIdentity;
  /** The last claim of its holder, and what that was answered. */
  readonly attempt: number;
  readonly continued: boolean;
  readonly next: number;
  /** When another one claimed the id; null while none did. */
  readonly doubtedMs: number | null;
}

/** What a claim says. */
export interface ClaimWish {
  readonly client: string;
  readonly identity: ClientIdentity;
  readonly attempt: number;
}

/** One session. Whoever changes it asks {@link Sessions} for a writable one first. */
export interface Session {
  /** The op number of its registration. */
  readonly id: number;
  readonly client: string;
  /** How it holds a ClientID; null for a session without one. */
  holding: Holding | null;
  readonly idle: IdleNode;
  /** Replicated time of the last sign of life. */
  seenMs: number;
  window: ReplyWindow;
  /** The hold count at which the record, and its window, became this table's alone. */
  generation: number;
  windowGeneration: number;
}

/** What is to be done with a request that reached execution. */
export type Admission =
  | { readonly kind: 'execute'; readonly session: Session }
  | { readonly kind: 'kept'; readonly reply: Uint8Array }
  | { readonly kind: 'refused'; readonly error: ErrorInfo };

/** What became of a claim. */
export type Claim =
  | {
      readonly kind: 'claimed';
      readonly session: number;
      readonly continued: boolean;
      readonly next: number;
      /** Sessions that had to go for it. */
      readonly evicted: number;
    }
  /** `doubted`: the session whose holder is to be asked whether it lives. */
  | { readonly kind: 'refused'; readonly error: ErrorInfo; readonly doubted: number };

export class Sessions {
  readonly #limits: ServiceLimits;
  /** In the order of ids: op numbers only grow, so the order of insertion is that of ids. */
  readonly #byId = new Map<number, Session>();
  readonly #byClient = new Map<string, number>();
  readonly #idle = new IdleOrder();
  #holds = 0;
  #bytes = 0;
  #lastId = 0;

  constructor(limits: ServiceLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Bytes as all replicas count them. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: number): Session | undefined {
    return this.#byId.get(id);
  }

  /** Makes session `id`, and returns how many it evicted for that: those that were idle longest. */
  register(id: number, client: string, nowMs: number): number {
    const evicted = this.#makeRoom();
    this.#insert(id, client, null, nowMs, new ReplyWindow(0));
    return evicted;
  }

  /**
   * The session of a ClientID: the one that this holder has, or a new one, `id`. A holder of another incarnation is in doubt from the first
   * such claim on, is asked whether it lives, and loses the id to a later one when it gave no sign of life in between.
   */
  claim(id: number, wish: ClaimWish, nowMs: number): Claim {
    const { identity, attempt } = wish;
    const known = this.#byId.get(this.#byClient.get(identity.id) ?? 0);
    const holding = known?.holding ?? null;
    if (known === undefined || holding === null) return this.#claimed(id, wish, nowMs);
    const held = this.#writable(known);
    if (holding.identity.incarnation === identity.incarnation) {
      this.#see(held, nowMs);
      // Sent again, it is answered again, whatever was asked since.
      const { continued, next } = holding;
      if (holding.attempt === attempt) return { kind: 'claimed', session: held.id, continued, next, evicted: 0 };
      // What the process before may still have on its way is void from here on: nobody takes a late reply for another's.
      const fence = held.window.next + this.#limits.maxWindow;
      held.holding = { identity, attempt, continued: true, next: fence, doubtedMs: null };
      this.#trim(held, fence);
      return { kind: 'claimed', session: held.id, continued: true, next: fence, evicted: 0 };
    }
    const inDoubt = holding.doubtedMs !== null && held.seenMs <= holding.doubtedMs;
    // A sign of life that it gave since it was last asked, unless that was for another claim, long ago.
    const alive = !inDoubt && holding.doubtedMs !== null && nowMs - holding.doubtedMs <= 2 * doubtMs;
    const doubtedMs = inDoubt ? holding.doubtedMs : nowMs;
    const leftMs = doubtedMs + doubtMs - nowMs;
    if (leftMs <= 0) {
      this.#remove(held.id);
      return this.#claimed(id, wish, nowMs);
    }
    held.holding = { ...holding, doubtedMs };
    const idleMs = nowMs - held.seenMs;
    const details = { clientId: identity.id, session: held.id, alive, idleMs, retryAfterMs: leftMs };
    const state = alive
      ? 'which was asked and lives'
      : `which gave a sign of life ${idleMs} ms ago and is asked for one`;
    const text = `Client id ${identity.id} is held by session ${held.id}, ${state}`;
    return { kind: 'refused', error: errorInfo('ClientIdHeld', text, details), doubted: held.id };
  }

  #claimed(id: number, { client, identity, attempt }: ClaimWish, nowMs: number): Claim {
    const evicted = this.#makeRoom();
    const holding = { identity, attempt, continued: false, next: 0, doubtedMs: null };
    this.#insert(id, client, holding, nowMs, new ReplyWindow(0));
    return { kind: 'claimed', session: id, continued: false, next: 0, evicted };
  }

  #makeRoom(): number {
    let evicted = 0;
    while (this.#byId.size >= this.#limits.maxSessions) {
      this.#remove(this.#idle.oldest()!.id);
      evicted++;
    }
    invariant(this.#byId.size < this.#limits.maxSessions, 'there are no more sessions than the limit', {
      sessions: this.#byId.size,
    });
    return evicted;
  }

  /** Puts back a session of a snapshot, in the order of ids. */
  restore(session: Pick<Session, 'id' | 'client' | 'holding' | 'seenMs' | 'window'>): void {
    const { id, client, holding, seenMs, window } = session;
    this.#insert(id, client, holding, seenMs, window);
    this.#bytes += window.bytes + window.count * replyOverheadBytes;
  }

  #insert(id: number, client: string, holding: Holding | null, nowMs: number, window: ReplyWindow): void {
    invariant(id > this.#lastId, 'session ids grow with the log', { id, last: this.#lastId });
    this.#lastId = id;
    const generation = this.#holds;
    const idle = this.#idle.add(id, nowMs);
    const session = { id, client, holding, idle, seenMs: nowMs, window, generation, windowGeneration: generation };
    this.#byId.set(id, session);
    if (holding !== null) this.#byClient.set(holding.identity.id, id);
    this.#bytes += ownBytes(session);
  }

  /** Ends a session; false when it is gone already. */
  unregister(id: number): boolean {
    return this.#remove(id);
  }

  #remove(id: number): boolean {
    const session = this.#byId.get(id);
    if (session === undefined) return false;
    this.#byId.delete(id);
    this.#idle.remove(session.idle);
    const { window, holding } = session;
    if (holding !== null) this.#byClient.delete(holding.identity.id);
    this.#bytes -= ownBytes(session) + window.bytes + window.count * replyOverheadBytes;
    return true;
  }

  /** A sign of life; false when the session is gone. */
  keepAlive(id: number, nowMs: number): boolean {
    const session = this.#byId.get(id);
    if (session === undefined) return false;
    this.#see(this.#writable(session), nowMs);
    return true;
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

  /** The replicated time at which the next session is due, if none gives a sign of life before. */
  deadline(): number | null {
    const oldest = this.#idle.oldest();
    return oldest === null ? null : Math.min(oldest.seenMs + this.#limits.sessionMs, Number.MAX_SAFE_INTEGER);
  }

  /**
   * Decides what becomes of a request of the log, and trims what the client says it has received. The primary prepares only what
   * can be executed (protocol §7); this asks again, so that a duplicate that slips through still runs once and in its order.
   */
  admit(id: number, request: number, answered: number, nowMs: number): Admission {
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
    if (request < window.next) return { kind: 'kept', reply: window.get(request) };
    const { maxWindow, maxWindowReplyBytes } = this.#limits;
    if (request - window.base >= maxWindow) {
      return refused(windowExceeded('maxWindow', maxWindow, request - window.base + 1));
    }
    if (window.bytes >= maxWindowReplyBytes) {
      return refused(windowExceeded('maxWindowReplyBytes', maxWindowReplyBytes, window.bytes));
    }
    if (request > window.next) {
      // An earlier one was refused when it came to be executed; this one must not overtake it (V15).
      const details = { session: id, request, expected: window.next };
      return refused(errorInfo('Retry', `Request ${request} came before ${window.next} was executed`, details));
    }
    return { kind: 'execute', session };
  }

  /** Keeps the reply of the request that {@link admit} let through, which is the session's next. */
  keep(session: Session, reply: Uint8Array): void {
    this.#writableWindow(session).push(reply);
    this.#bytes += reply.length + replyOverheadBytes;
  }

  /** Those that were registered last, the newest first; at most `most`. They are only to be looked at, and at once. */
  newest(most: number): readonly Readonly<Session>[] {
    let left = Math.max(0, this.#byId.size - most);
    const found: Session[] = [];
    for (const session of this.#byId.values()) if (left-- <= 0) found.push(session);
    return found.reverse();
  }

  /** All sessions in the order of ids, as they are now and stay whatever is applied later; at most `maxSessions` pointers are copied. */
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

  #trim(session: Session, base: number): void {
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

function refused(error: ErrorInfo): Admission {
  return { kind: 'refused', error };
}

function windowExceeded(name: string, limit: number, actual: number): ErrorInfo {
  const message = `The session's window is full: ${name} is ${limit}, this needs ${actual}`;
  return errorInfo('WindowExceeded', message, { name, limit, actual });
}
