/** Nodes that end with their session, have a number in their name, or a time to live (coordination §9). */

import { fail, haretError, ok } from '../../core/base/errors.ts';
import { keepLease, makeEphemeral } from '../../core/client/ephemerals.ts';
import type { Created as CreatedResult, EphemeralTold } from '../../core/client/ephemerals.ts';
import type { ClaimHandle } from '../../core/client/claims.ts';
import type { Asked as AskedOf } from '../../core/tree/operation.ts';
import type { Executor } from '../handle.ts';
import type { CoreNamespace } from '../namespace.ts';
import { opOf, written } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, Written } from '../options.ts';
import { bounded, leaseOf, withLease } from './hold.ts';

/** How long a node lives, and what it is called. */
export interface LifeOptions {
  /**
   * It ends with the session of this client: when the client is closed, or gives no sign of life for the lease (10
   * seconds unless its namespace has another one). Not for directories, locks and their like.
   */
  readonly ephemeral?: boolean | undefined;
  /**
   * Its name gets the 16 digits of the op of its entry. So names sort in the order in which they were made, and none is
   * ever made twice. The answer has the path.
   */
  readonly sequential?: boolean | undefined;
  /** Take an ephemeral that this very session has there already. A blob then gets the value. */
  readonly adopt?: boolean | undefined;
  /**
   * It is deleted this long after its last change, by the clock of the cluster, in milliseconds. 1,000 to 10 years. A
   * directory counts what happens beneath it, and goes only when it is empty. `touch` begins it anew.
   */
  readonly ttlMs?: number | undefined;
}

/** Options of `create`. */
export interface CreateOptions extends CallOptions, LifeOptions {}

/** A node that was made. */
export interface Created extends Written {
  /** Its path, with the number of a sequential one. */
  readonly path: string;
}

const minTtlMs = 1000;
const maxTtlMs = 315_360_000_000;

/** The same wish with options. @throws HaretError `BadArgument` for an operation that makes nothing. */
export function wishOf(
  { operation }: Op<Written>,
  options: LifeOptions,
  leaseMs: number,
  auto = false,
): AskedOf<'createWith'> {
  const { ephemeral = false, sequential = false, adopt = false, ttlMs } = options;
  const makes = operation.kind === 'create' || operation.kind === 'semaphoreCreate';
  if (!makes) throw haretError('BadArgument', `expected an operation that creates a node, got ${operation.kind}`);
  const { path } = operation;
  const made =
    operation.kind === 'create'
      ? { type: operation.type, value: operation.value, capacity: null }
      : ({ type: 'semaphore', value: null, capacity: operation.capacity } as const);
  return {
    kind: 'createWith',
    path,
    ...made,
    ephemeral,
    sequential,
    adopt,
    auto,
    ttlMs: ttlMs === undefined ? null : bounded('ttlMs', ttlMs, minTtlMs, maxTtlMs),
    leaseMs: ephemeral ? leaseMs : null,
  };
}

const read = ({ path, version }: CreatedResult, op: number): Created => ({ path, version, op });

function opWith(executor: Executor, op: Op<Written>, options: LifeOptions): Op<Created> {
  const operation = wishOf(op, options, leaseOf(executor));
  return opOf(operation, 'created', (result, at) => {
    // From now on the session has a lease, so it is kept alive as often as that needs.
    if (operation.ephemeral) void keep(executor).catch(() => undefined);
    return read(result, at);
  });
}

async function keep(executor: Executor): Promise<void> {
  await executor.call<null>((engine, done) => {
    keepLease(engine, executor.timeoutOf({}));
    done(ok(null));
    return { abandon: () => undefined };
  }, {});
}

/**
 * An operation that makes a node, with options: for transactions of this namespace.
 *
 * @example
 * await ns.txn().if(config.guard.exists()).do(withOptions(ns, worker.op.create('here'), { ephemeral: true })).commit();
 */
export function withOptions(namespace: CoreNamespace, op: Op<Written>, options: LifeOptions): Op<Created> {
  return opWith(namespace.executor, op, options);
}

/** Makes an ephemeral with `engine`, and tells what becomes of it. */
export function openEphemeral(
  executor: Executor,
  wish: AskedOf<'createWith'>,
  options: CallOptions,
  kept: boolean,
  told: (told: EphemeralTold, handle: () => ClaimHandle) => void,
): Promise<Created> {
  return executor.call<Created>((engine, done) => {
    let answered = false;
    const timeoutMs = executor.timeoutOf(options);
    const handle: ClaimHandle = makeEphemeral(engine, wish, { timeoutMs }, kept, (one) => {
      told(one, () => handle);
      // Later it may be lost. That is no answer to this call.
      if (answered) return;
      answered = true;
      done(one.kind === 'created' ? ok(read(one.created, one.op)) : { ok: false, error: one.error });
    });
    const abandon = (): void => {
      // What is made all the same is deleted.
      handle.cancel();
      done(fail('Interrupted', 'the call was abandoned', {}, 'unknown'));
    };
    return { abandon };
  }, options);
}

/** Makes a node with options. Without any, as the operation alone. */
export async function createWith(executor: Executor, op: () => Op<Written>, options: CreateOptions): Promise<Created> {
  const { ephemeral, sequential, ttlMs, adopt } = options;
  if (ephemeral === true)
    return openEphemeral(executor, wishOf(op(), options, leaseOf(executor)), options, false, () => undefined);
  if (sequential === true || ttlMs !== undefined || adopt === true)
    return executor.run(() => opWith(executor, op(), options), options);
  const { path } = op().operation as { readonly path: string };
  return { path, ...(await executor.run(op, options)) };
}

/**
 * Makes a node with options, from the operation that makes it without.
 * @throws HaretError `PathExists` with `owner` (the session) and `leftMs` when an ephemeral is there, or a node with a
 * time to live.
 *
 * @example
 * await create(ns, blob(ns, '/workers/w', text).op.create('here'), { ephemeral: true, sequential: true });
 */
export function create(
  namespace: CoreNamespace,
  op: Op<Written>,
  { leaseMs, ...options }: CreateOptions & { readonly leaseMs?: number | undefined } = {},
): Promise<Created> {
  return createWith(withLease(namespace, leaseMs).executor, () => op, options);
}

/** Begins the time to live of a node anew, and changes nothing else. @throws HaretError `BadArgument` if it has none. */
export function touch({ executor }: CoreNamespace, path: string, options: CallOptions = {}): Promise<Written> {
  return executor.run(() => opOf({ kind: 'touch', path }, 'done', written), options);
}
