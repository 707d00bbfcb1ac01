/**
 * Requests that cannot go on yet: those of a session with a gap in its numbers, and those of a session whose registration is not executed.
 * They have room of their own, so that they never take the room of requests that can go on. A session may use half of it. When it is full,
 * whatever waits longest goes, because a gap of an honest client closes soon (protocol §7).
 */

import type { SessionId, Token } from '../base/ids.ts';
import type { Limits } from '../base/limits.ts';
import type { Pending } from './parts.ts';

/** What a session or all of them hold. */
interface Amount {
  count: number;
  bytes: number;
}

/** The room for held requests, as a part of what may wait at a primary. */
const roomPart = 1 / 2;
/** What one session may use of that room. By default, it is a whole window. */
const sharePart = 1 / 2;

/** A shorter list is not worth cleaning up. */
const fewestKept = 64;

export class Held {
  readonly #room: Readonly<Amount>;
  readonly #share: Readonly<Amount>;
  readonly #all = new Set<Pending>();
  /** In the order in which they came, from `#first` on. Many have left. A Set would look at each of those again and again. */
  #order: Pending[] = [];
  #first = 0;
  readonly #sessions = new Map<SessionId, Amount>();
  readonly #byToken = new Map<Token, Pending>();
  #bytes = 0;

  constructor({ maxPendingRequests, maxPendingBytes }: Pick<Limits, 'maxPendingRequests' | 'maxPendingBytes'>) {
    this.#room = part({ count: maxPendingRequests, bytes: maxPendingBytes }, roomPart);
    this.#share = part(this.#room, sharePart);
  }

  get size(): number {
    return this.#all.size;
  }

  /** How many requests one session may hold. */
  get share(): number {
    return this.#share.count;
  }

  /** The session has used up its share. */
  refuses({ session, body }: Pending): boolean {
    const held = this.#sessions.get(session);
    const bytes = (held?.bytes ?? 0) + body.length;
    return (held?.count ?? 0) >= this.#share.count || bytes > this.#share.bytes;
  }

  /** Who has to go before this one fits, or null when it does. */
  inTheWayOf({ body }: Pending): Pending | null {
    if (this.#all.size < this.#room.count && this.#bytes + body.length <= this.#room.bytes) return null;
    for (; this.#first < this.#order.length; this.#first++) {
      const longest = this.#order[this.#first]!;
      if (this.#all.has(longest)) return longest;
    }
    return null;
  }

  add(pending: Pending): void {
    const { session, body, tokens } = pending;
    this.#all.add(pending);
    this.#order.push(pending);
    this.#bytes += body.length;
    if (this.#order.length > fewestKept + 2 * this.#all.size) {
      this.#order = this.#order.filter((one, at) => at >= this.#first && this.#all.has(one));
      this.#first = 0;
    }
    const held = this.#sessions.get(session);
    if (held === undefined) this.#sessions.set(session, { count: 1, bytes: body.length });
    else {
      held.count++;
      held.bytes += body.length;
    }
    this.joined(pending, tokens);
  }

  /** More wait for a request that is held. */
  joined(pending: Pending, tokens: readonly Token[]): void {
    for (const token of tokens) this.#byToken.set(token, pending);
  }

  remove(pending: Pending): void {
    if (!this.#all.delete(pending)) return;
    const { session, body, tokens } = pending;
    this.#bytes -= body.length;
    const held = this.#sessions.get(session);
    if (held !== undefined) {
      held.count--;
      held.bytes -= body.length;
      if (held.count === 0) this.#sessions.delete(session);
    }
    for (const token of tokens) this.#byToken.delete(token);
  }

  /** No one waits with this token any longer. @returns the request when it was the last one who waited. */
  abandon(token: Token): Pending | null {
    const pending = this.#byToken.get(token);
    if (pending === undefined) return null;
    this.#byToken.delete(token);
    const at = pending.tokens.indexOf(token);
    if (at >= 0) pending.tokens.splice(at, 1);
    return pending.tokens.length === 0 ? pending : null;
  }

  clear(): void {
    this.#all.clear();
    this.#order = [];
    this.#first = 0;
    this.#sessions.clear();
    this.#byToken.clear();
    this.#bytes = 0;
  }
}

function part({ count, bytes }: Readonly<Amount>, share: number): Amount {
  return { count: Math.max(1, Math.floor(count * share)), bytes: Math.floor(bytes * share) };
}
