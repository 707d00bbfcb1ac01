/**
 * A model of which sessions a namespace has (protocol §7): when each was last seen, which are due, and which was idle
 * longest when there is no room. It is told the committed entries in their order, and knows nothing of how the service
 * keeps sessions.
 */

import type { SessionId } from '../base/ids.ts';
import { sessionOf } from '../base/ids.ts';
import type { SessionSecret } from '../base/session-secret.ts';
import { decodeBody } from '../service/body.ts';
import type { Reply } from '../service/reply.ts';
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
  /** How long it lives without a sign of life. Null: as long as all sessions without a lease. */
  leaseMs: number | null;
}

/** The answers to an entry that was not executed, so that it was no sign of life of its session. */
const notExecuted: ReadonlySet<string> = new Set(['SessionGone', 'RequestTooOld', 'WindowExceeded', 'Retry']);

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
   * @param reply says whether it was done now.
   * @returns true when it may have changed which sessions exist.
   */
  entry({ op, timestamp, session, body: bytes }: ServiceEntry, reply: Reply, realMs: number): boolean {
    this.#timestamp = Math.max(this.#timestamp, timestamp);
    if (session !== 0) {
      const ended = this.#endDue(session);
      const { answer } = reply;
      if (reply.op !== op || (answer.kind === 'error' && notExecuted.has(answer.error.code))) return ended;
      this.#see(session, realMs);
      if (answer.kind === 'result' && answer.result.kind === 'claimed') this.#lease(session, bytes);
      return ended;
    }
    const body = decodeBody(bytes);
    switch (body.kind) {
      case 'register':
        while (this.#sessions.size >= this.#limits.maxSessions) {
          const idlest = this.#idlest();
          if (idlest === null) return true;
          // A session that gave a sign of life within the last tenth of its time-out is not evicted. The newcomer is
          // refused.
          const idleMs = this.#timestamp - this.#sessions.get(idlest)!.timestamp;
          if (idleMs * 10 < this.#limits.sessionMs) return true;
          this.#sessions.delete(idlest);
        }
        this.#sessions.set(sessionOf(op), {
          secret: body.secret,
          timestamp: this.#timestamp,
          realMs,
          leaseMs: null,
        });
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
    return seen !== undefined && this.#dueMs(seen) <= this.#timestamp && this.#sessions.delete(session);
  }

  #dueMs({ timestamp, leaseMs }: Seen): number {
    return timestamp + (leaseMs ?? this.#limits.sessionMs);
  }

  /** Its first claim gave a session its lease, for good. */
  #lease(session: SessionId, bytes: Uint8Array): void {
    const seen = this.#sessions.get(session);
    const body = decodeBody(bytes);
    if (seen === undefined || body.kind !== 'operation' || body.operation.kind !== 'claim') return;
    seen.leaseMs ??= body.operation.leaseMs ?? defaultLeaseMs;
  }

  /** The replicated time of the last entry. */
  get timestamp(): number {
    return this.#timestamp;
  }

  /** True when nothing may be granted to a session any more. */
  over(session: SessionId): boolean {
    const seen = this.#sessions.get(session);
    return !this.#bound && (seen === undefined || this.#dueMs(seen) <= this.#timestamp);
  }

  #see(session: SessionId, realMs: number): void {
    const seen = this.#sessions.get(session);
    if (seen !== undefined) Object.assign(seen, { timestamp: this.#timestamp, realMs });
  }

  /** Of those without a lease. Null when all have one. */
  #idlest(): SessionId | null {
    let idlest: SessionId | null = null;
    let least = Infinity;
    for (const [id, { timestamp, leaseMs }] of this.#sessions) {
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
    const { sessionMs } = this.#limits;
    const late = ({ realMs: seenMs, leaseMs }: Seen): boolean => seenMs < realMs - (leaseMs ?? sessionMs) - graceMs;
    return [...this.#sessions].filter(([, seen]) => late(seen)).map(([id]) => id);
  }
}
