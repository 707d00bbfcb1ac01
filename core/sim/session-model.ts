/**
 * Which sessions a namespace has, by a model of its own (protocol §7): who was seen when, who is due, and who was idle longest when there is
 * no room. It is told the committed entries, in their order, and knows nothing of how the service keeps them.
 */

import type { SessionSecret } from '../base/session-secret.ts';
import { decodeBody } from '../service/body.ts';
import type { ServiceEntry } from '../service/service.ts';

export interface ModelLimits {
  readonly maxSessions: number;
  readonly sessionMs: number;
}

interface Seen {
  /** What opens it: anybody may say its number. */
  readonly secret: SessionSecret;
  /** By the replicated clock, and by that of the world. */
  timestamp: number;
  realMs: number;
}

export class SessionModel {
  readonly #limits: ModelLimits;
  /** In the order of their ids. */
  readonly #sessions = new Map<number, Seen>();
  #timestamp = 0;
  /** ClientIDs were claimed: who holds one, and why, is more than this model knows. */
  #claims = false;

  constructor(limits: ModelLimits) {
    this.#limits = limits;
  }

  /** The committed entry that follows. @returns true when it may have changed which sessions there are. */
  entry({ op, timestamp, session, body: bytes }: ServiceEntry, realMs: number): boolean {
    this.#timestamp = Math.max(this.#timestamp, timestamp);
    if (session !== 0) {
      this.#see(session, realMs);
      return false;
    }
    const body = decodeBody(bytes);
    switch (body.kind) {
      case 'register':
        while (this.#sessions.size >= this.#limits.maxSessions) {
          const idlest = this.#idlest();
          // Who gave a sign of life within the last tenth of the time-out is not pushed out: the newcomer is refused.
          const idleMs = this.#timestamp - this.#sessions.get(idlest)!.timestamp;
          if (idleMs * 10 < this.#limits.sessionMs) return true;
          this.#sessions.delete(idlest);
        }
        this.#sessions.set(op, { secret: body.secret, timestamp: this.#timestamp, realMs });
        return true;
      case 'claim':
        this.#claims = true;
        return false;
      case 'unregister':
        return this.#sessions.get(body.session)?.secret === body.secret && this.#sessions.delete(body.session);
      case 'keepAlive':
        for (const { session: kept, secret } of body.sessions)
          if (this.#sessions.get(kept)?.secret === secret) this.#see(kept, realMs);
        return false;
      case 'expire':
        for (const [id, seen] of this.#sessions)
          if (seen.timestamp + this.#limits.sessionMs <= this.#timestamp) this.#sessions.delete(id);
        return true;
      default:
        return false;
    }
  }

  #see(session: number, realMs: number): void {
    const seen = this.#sessions.get(session);
    if (seen !== undefined) Object.assign(seen, { timestamp: this.#timestamp, realMs });
  }

  #idlest(): number {
    let idlest = 0;
    let least = Infinity;
    for (const [id, { timestamp }] of this.#sessions) {
      if (timestamp >= least) continue;
      idlest = id;
      least = timestamp;
    }
    return idlest;
  }

  /** What `found` has otherwise, newest first as the service tells them; null when that is nothing. */
  differs(found: readonly { readonly id: number; readonly idleMs: number }[]): string | null {
    if (this.#claims) return null;
    const expected = [...this.#sessions]
      .reverse()
      .map(([id, { timestamp }]) => `${id} idle ${this.#timestamp - timestamp}`);
    const there = found.map(({ id, idleMs }) => `${id} idle ${idleMs}`);
    return expected.join() === there.join() ? null : `${there.join()} in the place of ${expected.join()}`;
  }

  /** Sessions that gave no sign of life for so much longer than they may, by the world's clock, and are there all the same. */
  overdue(realMs: number, graceMs: number): readonly number[] {
    if (this.#claims) return [];
    const since = realMs - this.#limits.sessionMs - graceMs;
    return [...this.#sessions].filter(([, seen]) => seen.realMs < since).map(([id]) => id);
  }
}
