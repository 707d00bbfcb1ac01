/** Semaphores: a number of permits, which are given out in the order in which they were asked for. */

import type { CoreNamespace } from '../namespace.ts';
import { NodeOps, opOf, written } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, Written } from '../options.ts';
import { Hold, bounded, claimIn, during, functionOf, orHeld, withLease } from './hold.ts';
import type { WaitOptions } from './hold.ts';
import { ClaimNode } from './node.ts';

const maxPermits = 1_000_000;

/** Options of a semaphore's handle. */
export interface SemaphoreOptions {
  /**
   * How many permits there are. With it, the first acquire makes the semaphore, and an acquire is refused where there
   * are others. Without it, it must exist.
   */
  readonly permits?: number | undefined;
}

/** Options of {@link Semaphore.acquire}. */
export interface PermitOptions extends WaitOptions {
  /** How many to acquire at once. Default 1. */
  readonly permits?: number | undefined;
}

/** Operations of a semaphore, for transactions. */
export class SemaphoreOps extends NodeOps {
  /** Makes it with so many permits. Fails with `PathExists` where a node exists. */
  create(permits: number): Op<Written> {
    const capacity = bounded('permits', permits, 1, maxPermits);
    return opOf({ kind: 'semaphoreCreate', path: this.path, capacity }, 'done', written);
  }

  /** Changes how many permits there are. Fails with `Held` below what is held. */
  resize(permits: number): Op<Written> {
    const capacity = bounded('permits', permits, 1, maxPermits);
    return opOf({ kind: 'semaphoreResize', path: this.path, capacity }, 'done', written);
  }
}

/** A number of permits. First come, first served, also for those who ask for many. */
export class Semaphore<N extends CoreNamespace = CoreNamespace> extends ClaimNode<N> {
  /** Its operations as values, for transactions. */
  readonly op: SemaphoreOps;
  readonly #of: number | undefined;

  constructor(namespace: N, path: string, { permits }: SemaphoreOptions = {}) {
    super(namespace, path);
    this.op = new SemaphoreOps(path);
    this.#of = permits === undefined ? undefined : bounded('permits', permits, 1, maxPermits);
  }

  /** Makes it, so that it stays when no one holds a permit. @throws HaretError `PathExists` */
  create(permits: number | undefined = this.#of, options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(permits ?? 0), options);
  }

  /**
   * Changes how many permits there are. Waits that ask for more than that end with `LimitExceeded`.
   * @throws HaretError `Held` below what is held.
   */
  resize(permits: number, options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.resize(permits), options);
  }

  /**
   * Resolves when this client holds the permits and can count on them. @throws HaretError as {@link Lock.acquire}.
   */
  async acquire(options: PermitOptions = {}): Promise<Hold<N>> {
    const ns = withLease(this.namespace, options.leaseMs);
    const permits = bounded('permits', options.permits ?? 1, 1, maxPermits);
    const of = this.#of;
    const auto = of === undefined ? null : 'semaphore';
    return new Hold(await claimIn(ns, { path: this.path, permits, exclusive: false, auto, of }, options), ns);
  }

  /** As {@link acquire} without waiting. Undefined when too few are free, or others wait. */
  tryAcquire(options: Omit<PermitOptions, 'waitMs'> = {}): Promise<Hold<N> | undefined> {
    return orHeld(this.acquire({ ...options, waitMs: 0 }));
  }

  /** Runs `work` while the permits are held, and releases them. @throws HaretError as {@link Lock.with}. */
  with<R>(work: (permits: Hold<N>) => R): Promise<Awaited<R>>;
  with<R>(options: PermitOptions, work: (permits: Hold<N>) => R): Promise<Awaited<R>>;
  async with<R>(
    options: PermitOptions | ((permits: Hold<N>) => R),
    work?: (permits: Hold<N>) => R,
  ): Promise<Awaited<R>> {
    if (typeof options === 'function') return during(await this.acquire(), options);
    const run = functionOf('with', work);
    return during(await this.acquire(options), run);
  }
}

/** A semaphore in `namespace`. To make the handle asks nothing of the cluster. */
export function semaphore<N extends CoreNamespace>(
  namespace: N,
  path: string,
  options: SemaphoreOptions = {},
): Semaphore<N> {
  return new Semaphore(namespace, path, options);
}
