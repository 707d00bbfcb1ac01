/**
 * The client's half of claims (coordination §5), as a part of a client. {@link claim} is the way in for programs and the
 * SDK.
 */

import type { Asked, Operation } from '../tree/operation.ts';
import { Claim } from './claim.ts';
import type { ClaimHandle, ClaimOptions, ClaimTold } from './claim.ts';
import type { Client } from './client.ts';
import type { ClientPart, PartHost, PartMessage } from './part.ts';
import type { WriteSession } from './session.ts';
import { SessionClaims } from './session-claims.ts';

export type { ClaimHandle, ClaimOptions, ClaimTold, LostReason } from './claim.ts';

export type TakeWish = Asked<'queueTake'>;
type Wish = Asked<'claim'> | (Asked<'steal'> & { readonly put: object });

/**
 * Puts a claim in line, in the namespace that `client` entered. The handler is told what becomes of it.
 * @throws MalformedError for values that no message can hold.
 */
export function claim(
  client: Client,
  wish: Wish,
  options: ClaimOptions,
  handler: (told: ClaimTold) => void,
): ClaimHandle {
  return client.part(Claims).open(wish, options, handler);
}

/** The lease of a session whose claims ask for none. */
export const defaultLeaseMs = 10_000;

export class Claims implements ClientPart {
  readonly #host: PartHost;
  /** Those with a session that has a lease, or had one. */
  readonly #all = new Map<WriteSession, SessionClaims>();
  readonly #alarm = (): number => {
    let leftMs = Infinity;
    for (const one of this.#all.values()) leftMs = Math.min(leftMs, one.look());
    return leftMs;
  };

  constructor(host: PartHost) {
    this.#host = host;
    host.alarms.add(this.#alarm);
  }

  open(wish: Wish, options: ClaimOptions, handler: (told: ClaimTold) => void): ClaimHandle {
    const { waitMs, leaseMs } = wish.kind === 'claim' ? wish : wish.put;
    return this.add(new Claim(wish.path, options, handler), wish, leaseMs, waitMs);
  }

  /** Has a claim made by this operation. */
  add(one: Claim, wish: Operation, leaseMs: number | null, waitMs: number | null = null): ClaimHandle {
    const { timeoutMs } = one.options;
    let claims: SessionClaims | null = null as SessionClaims | null;
    one.call = this.#host.execute(wish, { timeoutMs }, (result) => {
      if (claims !== null) claims.answered(one, result);
      else if (!result.ok && one.state !== 'over') one.handler({ kind: 'ended', error: result.error });
    });
    if (waitMs !== null) one.limitMs = this.#host.ports.clock.now() + waitMs + timeoutMs;
    const session = one.call.writeSession;
    if (session === null) return one;
    one.claims = claims = this.#of(session, leaseMs ?? defaultLeaseMs);
    claims.add(one);
    return one;
  }

  #of(session: WriteSession, leaseMs: number): SessionClaims {
    const known = this.#all.get(session);
    if (known !== undefined && session.lease === known) return known;
    const made = new SessionClaims(this.#host, session, leaseMs);
    this.#all.set(session, made);
    return made;
  }

  receive(message: PartMessage): void {
    if (message.kind !== 'notice') return;
    const { namespaceId, session, record } = message;
    for (const one of this.#all.values()) {
      if (one.session.namespaceId === namespaceId && one.session.id === session) one.notice(record);
    }
  }

  tick(nowMs: number): void {
    for (const [session, one] of this.#all) {
      if (session.lease === one) one.tick(nowMs);
      else this.#all.delete(session);
    }
  }

  /** On another connection everything is asked again, also what was told in the meantime. */
  connected(): void {
    for (const one of this.#all.values()) if (one.session.lease === one) one.renew();
  }

  disconnected(): void {
    return undefined;
  }

  refused(): boolean {
    return false;
  }

  close(): void {
    this.#host.alarms.delete(this.#alarm);
    for (const one of this.#all.values()) one.ended(null);
    this.#all.clear();
  }
}
