/** Plays sessions that claim things against a service alone, entry by entry. */

import type { BelongingRecord } from '../../core/service/told.ts';
import type { Asked, KnownClaim, Operation, SimpleResult } from '../../core/tree/operation.ts';
import { Driver, secret } from './driver.ts';

export type Wish = Partial<Asked<'claim'>>;

/** A try for a lock, which is made if it is not there. */
export function lockWish(path: string, wish: Wish = {}): Asked<'claim'> {
  return {
    kind: 'claim',
    path,
    permits: 1,
    exclusive: true,
    value: null,
    waitMs: 0,
    leaseMs: null,
    auto: 'lock',
    of: null,
    ...wish,
  };
}

/** Sessions that claim things, and a clock. */
export class Play extends Driver {
  readonly #requests = new Map<number, number>();

  ask(session: number, operation: Operation): SimpleResult | string {
    const request = (this.#requests.get(session) ?? 0) + 1;
    this.#requests.set(session, request);
    const { answer } = this.request(session, request, operation);
    if (answer.kind === 'error') return answer.error.code;
    if (answer.kind !== 'result' || answer.result.kind === 'transaction') throw new Error(answer.kind);
    return answer.result;
  }

  claim(session: number, path: string, wish: Wish = {}): Extract<SimpleResult, { kind: 'claimed' }> {
    const result = this.tries(session, path, { waitMs: null, ...wish });
    if (typeof result === 'string' || result.kind !== 'claimed') throw new Error(JSON.stringify(result));
    return result;
  }

  tries(session: number, path: string, wish: Wish = {}): SimpleResult | string {
    return this.ask(session, lockWish(path, wish));
  }

  release(session: number, path: string, claim: number, token: number): SimpleResult | string {
    return this.ask(session, { kind: 'release', path, claim, token, to: 0 });
  }

  alive(session: number, heard = 0): readonly BelongingRecord[] | null {
    const { answer } = this.own({ kind: 'keepAlive', sessions: [{ session, secret, heard }] });
    if (answer.kind !== 'allAlive') throw new Error(answer.kind);
    return answer.sessions[0]?.changes ?? null;
  }

  expire(): void {
    this.own({ kind: 'expire' });
  }

  claims(path: string): readonly KnownClaim[] {
    const answer = this.read({ kind: 'claims', path, limit: 100, from: 0 });
    return answer.kind === 'result' && answer.result.kind === 'claims' ? answer.result.claims : [];
  }

  holders(path: string): readonly number[] {
    return this.claims(path)
      .filter(({ token, until }) => token > 0 && until === null)
      .map(({ session }) => session);
  }

  exists(path: string): boolean {
    const answer = this.read({ kind: 'exists', path });
    return answer.kind === 'result' && answer.result.kind === 'truth' && answer.result.truth;
  }

  held(path: string, token: number): boolean {
    const answer = this.read({ kind: 'transaction', guards: [{ kind: 'held', path, token }], then: [], otherwise: [] });
    return answer.kind === 'result' && answer.result.kind === 'transaction' && answer.result.held;
  }
}
