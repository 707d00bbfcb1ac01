/**
 * The client's half of exactly-once (protocol §7): the numbers of a session's requests, which of them are outstanding, and the
 * lowest that has no answer yet. It outlives connections.
 */

import type { ErrorInfo } from '../base/errors.ts';
import type { NamespaceId, RequestNumber, SessionId } from '../base/ids.ts';
import type { DataCall } from './calls.ts';
import { Numbered } from '../base/numbered.ts';
import type { SessionSecret } from '../base/session-secret.ts';

export class WriteSession {
  readonly namespaceId: NamespaceId;
  /** The op number that registered it; 0 while there is none. */
  id: SessionId = 0;
  /** By which a connection speaks as it. */
  secret: SessionSecret = '';
  /** This holder of a ClientID had a session before, in another process or in this. */
  continued = false;
  /** The one that this client had here last: of a ClientID it says that this process claims what it had already. */
  previous: SessionId = 0;
  /** Another process went on with our ClientID and lives: why there will be no session here any more. */
  taken: ErrorInfo | null = null;
  /** A registration is on its way. */
  registering = false;
  /** It ended without being given back, and there is no other yet. */
  lost = false;
  /** Not before this is it claimed again: another one holds the ClientID, and is being asked. */
  claimAtMs = 0;
  /** When it last asked something, for keeping it alive. */
  askedAtMs = 0;
  /** Outstanding requests sent with an `answered` up to this are due to be sent again; 0 for none. */
  releaseUpTo: RequestNumber = 0;
  #next: RequestNumber = 1;
  #answered: RequestNumber = 1;
  /** Writes without a number yet, in the order they were asked for. */
  readonly #queue = new Set<DataCall>();
  readonly #outstanding = new Numbered<DataCall, RequestNumber>();
  /** Numbers from `answered` on that ended without a reply: refused for good, timed out or abandoned. */
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

  /** True when `call` may go at once, within `window`, with the number that it has now; else it is put off until {@link take}. */
  enqueue(call: DataCall, window: number): boolean {
    if (this.#queue.size === 0 && this.#hasRoom(window)) {
      this.#number(call);
      return true;
    }
    this.#queue.add(call);
    return false;
  }

  /** The next write that may go within `window`, with its number, or null. */
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
   * A write has ended. The highest number that `answered` passed which never got a reply, or 0: the primary holds back what
   * was sent behind such a one until it hears the raised `answered`, so that must be sent again.
   */
  finish(call: DataCall, replied: boolean): RequestNumber {
    if (call.requestNumber === 0) {
      this.#queue.delete(call);
      return 0;
    }
    // Of a session that is gone, nothing is kept.
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
    this.#holes.clear();
  }

  /** The servers no longer know it. What was outstanding is returned, for its outcome to be told; what is queued stays. */
  gone(): readonly DataCall[] {
    const outstanding = this.#outstanding.values();
    this.id = 0;
    this.registering = false;
    this.#outstanding.clear();
    this.#holes.clear();
    return outstanding;
  }
}
