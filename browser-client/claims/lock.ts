/** Locks: exclusive or shared, first come, first served. */

import { haretError } from '../../core/base/errors.ts';
import { interrupted } from '../interrupted.ts';
import type { CoreNamespace } from '../namespace.ts';
import type { CallOptions, Written } from '../options.ts';
import { Hold, claimIn, during, functionOf, orHeld, withLease } from './hold.ts';
import type { Holding, WaitOptions } from './hold.ts';
import { ClaimNode, ClaimNodeOps } from './node.ts';

/** Options of {@link Lock.acquire}. */
export interface AcquireOptions extends WaitOptions {
  /** Hold it together with others who share it. Default: alone. */
  readonly shared?: boolean | undefined;
  /**
   * Makes it re-entrant for this client: while the lock is held under this key, another acquire with the same key shares
   * that hold, and the last release ends it. Any value, compared as a Map does.
   */
  readonly key?: unknown;
  /** Take it from those who hold it, and come before all who wait. */
  readonly steal?: boolean | undefined;
}

/** A hold that several parts of the program share. */
interface Nested {
  readonly shared: boolean;
  readonly holding: Promise<Holding>;
  /** Abandons it while it is not granted. */
  abandon(): void;
  /** Those who wait for it or have not released it. */
  users: number;
}

/** The re-entrant holds of each session, by path and key. */
const nestedOf = new WeakMap<CoreNamespace, Map<string, Map<unknown, Nested>>>();

/** A lock. It is made by its first acquire, and then goes away with its last holder, unless it was created. */
export class Lock<N extends CoreNamespace = CoreNamespace> extends ClaimNode<N> {
  /** Its operations as values, for transactions. */
  readonly op: ClaimNodeOps;

  constructor(namespace: N, path: string) {
    super(namespace, path);
    this.op = new ClaimNodeOps(path, 'lock');
  }

  /** Makes it, so that it stays when no one holds it. @throws HaretError `PathExists` */
  create(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(), options);
  }

  /**
   * Resolves when this client holds the lock and can count on it.
   * @throws HaretError `WaitOver` after `waitMs`. `Held` if that is 0. `Lost` if the session ended before it was granted.
   * `Interrupted` when `signal` aborts; then this client is no longer in line.
   *
   * @example
   * await using lock = await ns.lock('/jobs/nightly').acquire({ waitMs: 5000 });
   * await doIt({ signal: lock.signal, token: lock.token });
   */
  async acquire(options: AcquireOptions = {}): Promise<Hold<N>> {
    const ns = withLease(this.namespace, options.leaseMs);
    const holding = options.key === undefined ? await this.#claim(ns, options) : await this.#nested(ns, options);
    return new Hold(holding, ns);
  }

  /** As {@link acquire} without waiting. Undefined when another one holds it, or waits for it. */
  tryAcquire(options: Omit<AcquireOptions, 'waitMs'> = {}): Promise<Hold<N> | undefined> {
    return orHeld(this.acquire({ ...options, waitMs: 0 }));
  }

  /**
   * Runs `work` while the lock is held, and releases it. Its result is that of `work`.
   * @throws HaretError as {@link acquire}. `Lost` when the lock was lost while `work` ran.
   */
  with<R>(work: (lock: Hold<N>) => R): Promise<Awaited<R>>;
  with<R>(options: AcquireOptions, work: (lock: Hold<N>) => R): Promise<Awaited<R>>;
  async with<R>(options: AcquireOptions | ((lock: Hold<N>) => R), work?: (lock: Hold<N>) => R): Promise<Awaited<R>> {
    if (typeof options === 'function') return during(await this.acquire(), options);
    const run = functionOf('with', work);
    return during(await this.acquire(options), run);
  }

  #claim(ns: N, options: AcquireOptions): Promise<Holding> {
    const { shared = false, steal = false } = options;
    return claimIn(ns, { path: this.path, exclusive: !shared, auto: 'lock', steal }, options);
  }

  async #nested(ns: N, options: AcquireOptions): Promise<Holding> {
    const { key, shared = false, signal } = options;
    let paths = nestedOf.get(ns);
    if (paths === undefined) nestedOf.set(ns, (paths = new Map<string, Map<unknown, Nested>>()));
    let keys = paths.get(this.path);
    if (keys === undefined) paths.set(this.path, (keys = new Map<unknown, Nested>()));
    if (signal?.aborted === true) throw interrupted(signal, 'definite');
    let nested = keys.get(key);
    if (nested?.shared === true && !shared)
      throw haretError('BadArgument', `${this.path} is shared under this key, and cannot be made exclusive`, {
        path: this.path,
        field: 'shared',
      });
    if (nested === undefined) {
      nested = this.#nest(ns, options, () => {
        if (keys.get(key) === nested) keys.delete(key);
      });
      keys.set(key, nested);
    }
    return share(nested, signal);
  }

  #nest(ns: N, options: AcquireOptions, forget: () => void): Nested {
    const controller = new AbortController();
    const abandon = (): void => {
      forget();
      controller.abort();
    };
    const holding = this.#claim(ns, { ...options, signal: controller.signal });
    const nested: Nested = { shared: options.shared === true, holding, abandon, users: 0 };
    holding.then((granted) => {
      granted.share = nested;
      if (granted.held) granted.over = forget;
      else forget();
    }, forget);
    return nested;
  }
}

/** Waits for a hold that several share. When all of them have given up, it is abandoned. */
async function share(nested: Nested, signal: AbortSignal | undefined): Promise<Holding> {
  nested.users++;
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      if (--nested.users === 0) nested.abandon();
      if (signal !== undefined) reject(interrupted(signal, 'definite'));
    };
  });
  signal?.addEventListener('abort', abort);
  try {
    return await Promise.race([nested.holding, aborted]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** A lock in `namespace`. To make the handle asks nothing of the cluster. */
export function lock<N extends CoreNamespace>(namespace: N, path: string): Lock<N> {
  return new Lock(namespace, path);
}
