/**
 * The client's half of exactly-once (protocol §7): the numbers of a session's requests, which of them are outstanding, and the
 * lowest that has no answer yet. It outlives connections.
 */

import { invariant } from '../base/assert.ts';
import type { DataCall } from './calls.ts';

export class WriteSession {
  readonly namespaceId: number;
  /** The op number that registered it; 0 while there is none. */
  id = 0;
  /** It is the session that this holder of a ClientID had before. */
  continued = false;
  /** A registration is on its way. */
  registering = false;
  /** Not before this is it claimed again: another one holds the ClientID, and is being asked. */
  claimAtMs = 0;
  /** When it last asked something, for keeping it alive. */
  askedAtMs = 0;
  /** Outstanding requests sent with an `answered` up to this are due to be sent again; 0 for none. */
  releaseUpTo = 0;
  #next = 1;
  #answered = 1;
  /** Writes without a number yet, in the order they were asked for. */
  readonly #queue = new Set<DataCall>();
  /** By number, ascending, because numbers are given in order and a map keeps it. */
  readonly #outstanding = new Map<number, DataCall>();
  /** Numbers from `answered` on that ended without a reply: refused for good, timed out or abandoned. */
  readonly #holes = new Set<number>();

  constructor(namespaceId: number) {
    this.namespaceId = namespaceId;
  }

  /** The lowest number without an answer. */
  get answered(): number {
    return this.#answered;
  }

  get busy(): boolean {
    return this.#queue.size > 0 || this.#outstanding.size > 0;
  }

  get queued(): ReadonlySet<DataCall> {
    return this.#queue;
  }

  get outstanding(): ReadonlyMap<number, DataCall> {
    return this.#outstanding;
  }

  enqueue(call: DataCall): void {
    this.#queue.add(call);
  }

  /** The next write that may go within `window`, with its number, or null. */
  take(window: number): DataCall | null {
    if (this.id === 0 || this.#next >= this.#answered + window) return null;
    for (const call of this.#queue) {
      this.#queue.delete(call);
      call.number = this.#next++;
      this.#outstanding.set(call.number, call);
      return call;
    }
    return null;
  }

  /**
   * A write has ended. The highest number that `answered` passed which never got a reply, or 0: the primary holds back what
   * was sent behind such a one until it hears the raised `answered`, so that must be sent again.
   */
  finish(call: DataCall, replied: boolean): number {
    if (call.number === 0) {
      this.#queue.delete(call);
      return 0;
    }
    // Of a session that is gone, nothing is kept.
    if (this.#outstanding.get(call.number) !== call) return 0;
    this.#outstanding.delete(call.number);
    if (!replied) this.#holes.add(call.number);
    if (call.number !== this.#answered) return 0;
    const lowest = this.#outstanding.size === 0 ? this.#next : this.#outstanding.keys().next().value;
    invariant(lowest !== undefined && lowest > this.#answered, 'answered only rises');
    let passed = 0;
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

  /** @param from the lowest number that a request may have. */
  opened(id: number, continued: boolean, from: number): void {
    this.id = id;
    this.continued = continued;
    this.registering = false;
    this.#next = from;
    this.#answered = from;
    this.#holes.clear();
  }

  /** The servers no longer know it. What was outstanding is returned, for its outcome to be told; what is queued stays. */
  gone(): readonly DataCall[] {
    const outstanding = [...this.#outstanding.values()];
    this.id = 0;
    this.registering = false;
    this.#outstanding.clear();
    this.#holes.clear();
    return outstanding;
  }
}
