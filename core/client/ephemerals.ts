/**
 * Ephemerals of a client (coordination §9). It keeps their session alive as often as the lease needs it, and is told when
 * one is gone. Nothing lapses by the client's own clock: an ephemeral is there as long as its session.
 */

import type { Op, RequestNumber, SessionId } from '../base/ids.ts';
import type { Asked, Guard, Operation } from '../tree/operation.ts';
import type { OperationResult } from '../tree/result.ts';
import { Claim } from './claim.ts';
import type { ClaimHandle, ClaimOptions, ClaimTold } from './claim.ts';
import { Claims } from './claims.ts';
import type { Client } from './client.ts';

/** What came of the operation that made it. */
export type Created = Extract<OperationResult, { readonly kind: 'created' }>;

/** An ephemeral as something that a session has. */
class Ephemeral extends Claim {
  created: Created | null = null;

  override get lapses(): boolean {
    return false;
  }

  override resultOf(result: OperationResult): ReturnType<Claim['resultOf']> {
    if (result.kind !== 'created') return null;
    this.created = result;
    // A sequential one has another name than was asked for.
    this.path = result.path;
    const { created, clock, changed } = result;
    return { claim: created, token: created, ahead: 0, clock, changed };
  }

  /** Deletes it if it is still the one that this session made. */
  override abandonment(session: SessionId, _request: RequestNumber = 0): Operation {
    const { path, id } = this;
    const guards: Guard[] = [{ kind: 'owner', path, session }];
    if (id > 0) guards.push({ kind: 'created', path, op: id });
    return {
      kind: 'transaction',
      guards,
      then: [{ kind: 'delete', path, recursive: false, ifVersion: null }],
      otherwise: [],
    };
  }

  override ending(session: SessionId, _to: Op): Operation {
    return this.abandonment(session);
  }
}

/** What the handler of an ephemeral is told. */
export type EphemeralTold =
  | { readonly kind: 'created'; readonly created: Created; readonly op: Op }
  | Extract<ClaimTold, { readonly kind: 'ended' }>;

/**
 * Makes an ephemeral, or adopts it, in the namespace that `client` entered.
 * @param kept tell when it is gone. Otherwise the client only keeps its session alive.
 */
export function makeEphemeral(
  client: Client,
  wish: Asked<'createWith'>,
  options: ClaimOptions,
  kept: boolean,
  handler: (told: EphemeralTold) => void,
): ClaimHandle {
  const one: Ephemeral = new Ephemeral(wish.path, options, (told) => {
    if (told.kind === 'ended') return handler(told);
    const { created } = one;
    if (told.kind !== 'granted' || created === null) return;
    if (!kept) one.claims?.forget(one);
    handler({ kind: 'created', created, op: one.newest });
  });
  return client.part(Claims).add(one, wish, wish.leaseMs);
}

/** Keeps the session of `client` alive as often as the lease needs it that another operation has set. */
export function keepLease(client: Client, timeoutMs: number): void {
  const one = new Claim('/', { timeoutMs }, () => undefined);
  client.part(Claims).add(one, { kind: 'abandon', path: '/', claim: 1, request: 0 }, null);
}
