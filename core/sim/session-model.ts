/**
 * A model of which sessions a namespace has (protocol §7): when each was last seen, which are due, and which was idle
 * longest when there is no room. It is told the committed entries in their order, and knows nothing of how the service
 * keeps sessions.
 */

import type { Op, SessionId } from '../base/ids.ts';
import { sessionOf } from '../base/ids.ts';
import type { SessionSecret } from '../base/session-secret.ts';
import { jobResultOf } from '../tree/job-result.ts';
import type { SimpleResult } from '../tree/operation.ts';
import { decodeBody } from '../service/body.ts';
import type { Reply } from '../service/reply.ts';
import { decodeReply } from '../service/reply.ts';
import type { ServiceEntry } from '../service/service.ts';
import { defaultLeaseMs } from '../tree/operations/claims.ts';

export interface ModelLimits {
  readonly maxSessions: number;
  readonly sessionMs: number;
}

interface Seen {
  /** The secret that opens it. Anyone may name its number. */
  readonly secret: SessionSecret;
  /** When it was last seen, by the replicated clock and by that of the world. */
  timestamp: number;
  realMs: number;
  /** How long it lives without a sign of life. Null until it claims something: then as long as any session. */
  leaseMs: number | null;
}

/** The answers to an entry that was not executed, so that it was no sign of life of its session. */
const notExecuted: ReadonlySet<string> = new Set(['SessionGone', 'RequestTooOld', 'WindowExceeded', 'Retry']);

/** What a request was answered that was executed by the entry of `op`. Null when it was not executed now. */
export function executedAnswer(op: Op, bytes: Uint8Array): Reply['answer'] | null {
  const reply = decodeReply(bytes);
  const { answer } = reply;
  return reply.op === op && !(answer.kind === 'error' && notExecuted.has(answer.error.code)) ? answer : null;
}

export class SessionModel {
  readonly #limits: ModelLimits;
  /** In the order of their ids. */
  readonly #sessions = new Map<SessionId, Seen>();
  #timestamp = 0;
  /** ClientIDs were bound. This model does not know which session holds one, or why. */
  #bound = false;

  constructor(limits: ModelLimits) {
    this.#limits = limits;
  }

  /**
   * Takes the next committed entry.
   * @param answer null when its reply says that it was not done now.
   * @returns true when it may have changed which sessions exist.
   */
  entry(
    { op, timestamp, session, body: bytes }: ServiceEntry,
    answer: Reply['answer'] | null,
    realMs: number,
  ): boolean {
    this.#timestamp = Math.max(this.#timestamp, timestamp);
    if (session !== 0) {
      const ended = this.#endDue(session);
      if (answer !== null) {
        this.#see(session, realMs);
        this.#lease(session, bytes, answer);
      }
      return ended;
    }
    const body = decodeBody(bytes);
    switch (body.kind) {
      case 'register':
        while (this.#sessions.size >= this.#limits.maxSessions) {
          const idlest = this.#idlest();
          // A session that gave a sign of life within the last tenth of its time-out is not evicted. The newcomer is
          // refused.
          const idleMs = this.#timestamp - (this.#sessions.get(idlest)?.timestamp ?? Infinity);
          if (idleMs * 10 < this.#limits.sessionMs) return true;
          this.#sessions.delete(idlest);
        }
        this.#sessions.set(sessionOf(op), { secret: body.secret, timestamp: this.#timestamp, realMs, leaseMs: null });
        return true;
      case 'bind':
        this.#bound = true;
        return false;
      case 'unregister':
        return this.#sessions.get(body.session)?.secret === body.secret && this.#sessions.delete(body.session);
      case 'keepAlive':
        for (const { session: kept, secret } of body.sessions) {
          if (this.#sessions.get(kept)?.secret !== secret || this.#endDue(kept)) continue;
          this.#see(kept, realMs);
        }
        return true;
      case 'expire':
        for (const id of [...this.#sessions.keys()]) this.#endDue(id);
        return true;
      default:
        return false;
    }
  }

  /** A session that is due ends with the first entry that meets it (coordination §2). */
  #endDue(session: SessionId): boolean {
    const seen = this.#sessions.get(session);
    if (seen === undefined || seen.timestamp + this.#lifeOf(seen) > this.#timestamp) return false;
    return this.#sessions.delete(session);
  }

  /** The replicated time of the last entry. */
  get timestamp(): number {
    return this.#timestamp;
  }

  /** True when nothing may be granted to a session any more. */
  over(session: SessionId): boolean {
    const seen = this.#sessions.get(session);
    return !this.#bound && (seen === undefined || seen.timestamp + this.#lifeOf(seen) <= this.#timestamp);
  }

  #lifeOf({ leaseMs }: Seen): number {
    return leaseMs ?? this.#limits.sessionMs;
  }

  /** The first claim, take or ephemeral of a session sets its lease, once (coordination §2). */
  #lease(session: SessionId, bytes: Uint8Array, answer: Reply['answer']): void {
    const seen = this.#sessions.get(session);
    if (seen?.leaseMs !== null || answer.kind !== 'result') return;
    const { result } = answer;
    const results = result.kind === 'transaction' ? result.results : [result];
    if (!results.some((one) => one.kind === 'claimed' || one.kind === 'created' || tookSomething(one))) return;
    const body = decodeBody(bytes);
    if (body.kind !== 'operation') return;
    const { operation } = body;
    const done = operation.kind !== 'transaction' ? [operation] : operation.then.concat(operation.otherwise);
    for (const one of done) {
      const inner = one.kind === 'upsert' ? one.operation : one;
      const asks =
        inner.kind === 'claim' || inner.kind === 'queueTake' || (inner.kind === 'createWith' && inner.ephemeral);
      const wish = asks ? inner : inner.kind === 'steal' ? inner.put : null;
      if (wish !== null) seen.leaseMs ??= wish.leaseMs ?? defaultLeaseMs;
    }
  }

  #see(session: SessionId, realMs: number): void {
    const seen = this.#sessions.get(session);
    if (seen !== undefined) Object.assign(seen, { timestamp: this.#timestamp, realMs });
  }

  #idlest(): SessionId {
    let idlest = 0;
    let least = Infinity;
    for (const [id, { timestamp, leaseMs }] of this.#sessions) {
      // One that holds something is not evicted.
      if (timestamp >= least || leaseMs !== null) continue;
      idlest = id;
      least = timestamp;
    }
    return idlest;
  }

  /** How `found` differs, newest first as the service lists them; null when it does not. */
  differs(found: readonly { readonly id: number; readonly idleMs: number }[]): string | null {
    if (this.#bound) return null;
    const expected = [...this.#sessions]
      .reverse()
      .map(([id, { timestamp }]) => `${id} idle ${this.#timestamp - timestamp}`);
    const there = found.map(({ id, idleMs }) => `${id} idle ${idleMs}`);
    return expected.join() === there.join() ? null : `${there.join()} in the place of ${expected.join()}`;
  }

  /**
   * Sessions that still exist although they gave no sign of life for `graceMs` longer than allowed, by the world's
   * clock.
   */
  overdue(realMs: number, graceMs: number): readonly number[] {
    if (this.#bound) return [];
    const since = realMs - graceMs;
    return [...this.#sessions].filter(([, seen]) => seen.realMs < since - this.#lifeOf(seen)).map(([id]) => id);
  }
}

/** A take that was given something, or waits. */
function tookSomething(result: SimpleResult): boolean {
  const took = result.kind === 'table' ? jobResultOf(result) : null;
  return took?.kind === 'took' && took.claim !== 0;
}
