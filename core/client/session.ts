/**
 * The client's half of exactly-once (protocol §7): the numbers of a session's requests, which of them are outstanding,
 * and the lowest number without an answer. It outlives connections.
 */

import type { ErrorInfo } from '../base/errors.ts';
import type { NamespaceId, Op, RequestNumber, SessionId } from '../base/ids.ts';
import type { ControlCall, DataCall } from './calls.ts';
import { Numbered } from '../base/numbered.ts';
import type { Reply } from '../service/reply.ts';
import type { SessionSecret } from '../base/session-secret.ts';

/** The lease of a session, and what depends on it (coordination §5). Sessions without belongings have none. */
export interface SessionLease {
  /** A keep-alive, which was first sent at this time, was answered. */
  alive(sentAtMs: number, reply: Reply): void;
  /** The session is gone for this reason, or (null) it is given back. It has its id for the last time. */
  ended(error: ErrorInfo | null): void;
}

export class WriteSession {
  readonly namespaceId: NamespaceId;
  /** The op number that registered it, or 0 while it is not registered. */
  id: SessionId = 0;
  /** The secret with which a connection speaks as this session. */
  secret: SessionSecret = '';
  /** True when this holder of a ClientID had the session before, in this process or another one. */
  continued = false;
  /**
   * The last session that this client had here. With a ClientID, it shows that this process binds a session that it
   * already had.
   */
  previous: SessionId = 0;
  /**
   * Another process continued with our ClientID and is alive. This error says why this client gets no session here any
   * more.
   */
  taken: ErrorInfo | null = null;
  /** A registration is under way. */
  registering = false;
  /** The session ended without being given back, and there is no new one yet. */
  lost = false;
  /** It is not bound again before this time, because another client holds the ClientID and is being asked. */
  bindAtMs = 0;
  /** The op of the newest keep-alive whose answer was heard, with everything that it told. */
  heard: Op = 0;
  lease: SessionLease | null = null;
  /** The last keep-alive. */
  kept: ControlCall | null = null;
  /** When it last sent a request. It is kept alive after a while. */
  askedAtMs = 0;
  /** Outstanding requests that were sent with an `answered` up to this must be sent again. 0 for none. */
  releaseUpTo: RequestNumber = 0;
  #next: RequestNumber = 1;
  #answered: RequestNumber = 1;
  /** Writes without a number yet, in the order in which they were asked. */
  readonly #queue = new Set<DataCall>();
  readonly #outstanding = new Numbered<DataCall, RequestNumber>();
  /** Numbers from `answered` on that ended without a reply. They were refused for good, timed out or abandoned. */
  readonly #holes = new Set<RequestNumber>();

  constructor(namespaceId: NamespaceId) {
    this.namespaceId = namespaceId;
  }

  /** The lowest number without an answer. */
  get answered(): RequestNumber {
    return this.#answered;
  }

  get busy(): boolean {
    return this.#queue.size > 0 || this.#outstanding.size > 0;
  }

  get queued(): ReadonlySet<DataCall> {
    return this.#queue;
  }

  get outstanding(): Numbered<DataCall, RequestNumber> {
    return this.#outstanding;
  }

  /** Gives `call` the next number and returns true if it fits into `window`. Otherwise it waits until {@link take}. */
  enqueue(call: DataCall, window: number): boolean {
    if (this.#queue.size === 0 && this.#hasRoom(window)) {
      this.#number(call);
      return true;
    }
    this.#queue.add(call);
    return false;
  }

  /** The next write that fits into `window`, with its number, or null. */
  take(window: number): DataCall | null {
    if (!this.#hasRoom(window)) return null;
    for (const call of this.#queue) {
      this.#queue.delete(call);
      this.#number(call);
      return call;
    }
    return null;
  }

  #hasRoom(window: number): boolean {
    return this.id !== 0 && this.#next < this.#answered + window;
  }

  #number(call: DataCall): void {
    call.requestNumber = this.#next++;
    this.#outstanding.set(call.requestNumber, call);
  }

  /**
   * Ends a write. Returns the highest number without a reply that `answered` has passed, or 0. The primary holds back
   * requests after such a number until it hears the raised `answered`, so they must be sent again.
   */
  finish(call: DataCall, replied: boolean): RequestNumber {
    if (call.requestNumber === 0) {
      this.#queue.delete(call);
      return 0;
    }
    // Nothing is kept about a session that is gone.
    if (this.#outstanding.get(call.requestNumber) !== call) return 0;
    this.#outstanding.take(call.requestNumber);
    if (!replied) this.#holes.add(call.requestNumber);
    if (call.requestNumber !== this.#answered) return 0;
    let lowest = this.#answered + 1;
    while (lowest < this.#next && this.#outstanding.get(lowest) === undefined) lowest++;
    let passed: RequestNumber = 0;
    if (this.#holes.size > 0) {
      for (const hole of this.#holes) {
        if (hole >= lowest) continue;
        this.#holes.delete(hole);
        if (hole > passed) passed = hole;
      }
    }
    this.#answered = lowest;
    return passed;
  }

  opened(id: SessionId, secret: SessionSecret, continued: boolean): void {
    this.id = this.previous = id;
    this.secret = secret;
    this.continued = continued;
    this.registering = this.lost = false;
    this.#next = this.#answered = 1;
    this.heard = 0;
    this.#holes.clear();
  }

  /**
   * The servers no longer know the session. Returns the outstanding requests, so that their callers are told the
   * outcome. The queued writes stay.
   */
  gone(): readonly DataCall[] {
    const outstanding = this.#outstanding.values();
    this.id = 0;
    this.registering = false;
    this.#outstanding.clear();
    this.#holes.clear();
    return outstanding;
  }
}
