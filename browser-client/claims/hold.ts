/** What a program holds: a lock, permits, an office. It is one claim, and until it is over it has a signal. */

import type { ErrorInfo } from '../../core/base/errors.ts';
import { HaretError, fail, haretError, ok } from '../../core/base/errors.ts';
import { claim, defaultLeaseMs } from '../../core/client/claims.ts';
import type { ClaimHandle, LostReason } from '../../core/client/claims.ts';
import type { Asked as AskedOf, Guard, KnownClaim } from '../../core/tree/operation.ts';
import type { Executor } from '../handle.ts';
import { interrupted } from '../interrupted.ts';
import type { CoreNamespace } from '../namespace.ts';
import { opOf } from '../operations.ts';
import type { CallOptions, ReadOptions } from '../options.ts';

export type { LostReason };

/** Options of everything that may wait for others. */
export interface WaitOptions extends CallOptions {
  /**
   * How long to stand in line, by the cluster's own clock, in milliseconds. 0: not at all, so that it is refused with
   * `Held` if it is not free. Default: without end. `timeoutMs` only bounds the time until the cluster has answered.
   */
  readonly waitMs?: number | undefined;
  /**
   * The lease: how long it stays held when this program gives no sign of life. Default 10,000 milliseconds; 1,000 to
   * 3,600,000. A lease other than the default has a session and a connection of its own ({@link Hold.ns}).
   */
  readonly leaseMs?: number | undefined;
}

/** Who holds a lock, a semaphore, a barrier or an election, and who waits for it. */
export interface ClaimsInfo {
  /** The permits of a semaphore. Null where there is no limit. */
  readonly capacity: number | null;
  /** Whether a barrier is open. */
  readonly open: boolean;
  /** How many hold it, with those from whom it was taken and who may not know it yet. */
  readonly held: number;
  /** How many wait. */
  readonly waiting: number;
  /** Those who hold it, in the order in which they asked. */
  readonly holders: readonly KnownClaim[];
  /** Those from whom it was taken and who may not know it yet. Their room stays taken until `until`. */
  readonly shadows: readonly KnownClaim[];
  /** Those who wait, first the one who is next. */
  readonly line: readonly KnownClaim[];
}

/** The most claims that {@link infoOf} shows. */
const maxShown = 1000;

export function infoOf(executor: Executor, path: string, options: ReadOptions): Promise<ClaimsInfo | undefined> {
  return executor.run(
    () =>
      opOf(
        { kind: 'claims', path, limit: maxShown, from: 0 },
        'claims',
        ({ capacity, open, held, waiting, claims }) => ({
          capacity,
          open,
          held,
          waiting,
          holders: claims.filter(({ token, until }) => token > 0 && until === null),
          shadows: claims.filter(({ token, until }) => token > 0 && until !== null),
          line: claims.filter(({ token }) => token === 0),
        }),
      ),
    options,
    [undefined],
  );
}

/** Refuses a number that is out of bounds, before anything is sent. */
export function bounded(field: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const text = `${field}: expected a whole number from ${min} to ${max}, got ${typeof value} ${String(value)}`;
  throw haretError('BadArgument', text, { field, min, max, actual: String(value) });
}

const maxWaitMs = 2_592_000_000;
const minLeaseMs = 1000;
const maxLeaseMs = 3_600_000;

/** The lease of each twin, and the namespace of which it is one. */
const twins = new WeakMap<CoreNamespace, { readonly of: CoreNamespace; readonly leaseMs: number }>();
const twinsOf = new WeakMap<CoreNamespace, Map<number, CoreNamespace>>();
const leases = new WeakMap<Executor, number>();

/** The way into `namespace` whose session has this lease. A session has one, which is set once (coordination §2). */
export function withLease<N extends CoreNamespace>(namespace: N, leaseMs: number | undefined): N {
  const own = twins.get(namespace);
  if (leaseMs === undefined || bounded('leaseMs', leaseMs, minLeaseMs, maxLeaseMs) === (own?.leaseMs ?? defaultLeaseMs))
    return namespace;
  const root = own?.of ?? namespace;
  if (leaseMs === defaultLeaseMs) return root as N;
  let all = twinsOf.get(root);
  if (all === undefined) twinsOf.set(root, (all = new Map<number, CoreNamespace>()));
  let twin = all.get(leaseMs);
  if (twin === undefined || twin.state === 'closed') {
    all.set(leaseMs, (twin = root.executor.twin()));
    twins.set(twin, { of: root, leaseMs });
    leases.set(twin.executor, leaseMs);
  }
  // A twin is made by what made its namespace.
  return twin as N;
}

/** The lease of the session of a namespace, or of its twin. */
export function leaseOf(executor: Executor): number {
  return leases.get(executor) ?? defaultLeaseMs;
}

/** What is asked of a line of claims. */
export interface Wish {
  readonly path: string;
  readonly permits?: number;
  readonly exclusive: boolean;
  readonly value?: Uint8Array;
  readonly auto: AskedOf<'claim'>['auto'];
  readonly of?: number | undefined;
  /** Takes it from those who hold it now. */
  readonly steal?: boolean;
  readonly passes?: boolean;
}

/** A claim that was granted, however many parts of the program share it. */
export class Holding {
  readonly executor: Executor;
  readonly path: string;
  readonly controller = new AbortController();
  handle: ClaimHandle | null = null;
  claim = 0;
  token = 0;
  /** How many parts of the program share it and have not released it. */
  share = { users: 1 };
  /** Is called once it is released or lost. */
  over: () => void = () => undefined;

  constructor(executor: Executor, path: string) {
    this.executor = executor;
    this.path = path;
  }

  get held(): boolean {
    return this.handle?.held === true;
  }

  get signal(): AbortSignal {
    // A program that stood still learns here what it has lost.
    this.handle?.look();
    return this.controller.signal;
  }

  lose(error: ErrorInfo): void {
    this.over();
    this.controller.abort(new HaretError(error));
  }

  async release(to: number, options: CallOptions): Promise<boolean> {
    this.over();
    const { handle, executor } = this;
    if (handle?.held !== true) return false;
    try {
      return await executor.call<boolean>((_, done) => {
        handle.release(to, executor.timeoutOf(options), done);
        return { abandon: () => done(fail('Interrupted', 'the call was abandoned')) };
      }, options);
    } catch (error) {
      // It is given up in any case, also when the call did not begin because its signal had aborted.
      handle.cancel();
      throw options.signal?.aborted === true ? interrupted(options.signal, 'unknown') : error;
    }
  }
}

/** Puts a claim in line. Resolves once it is held and can be counted on. */
export async function claimIn(namespace: CoreNamespace, wish: Wish, options: WaitOptions): Promise<Holding> {
  const { executor } = namespace;
  const { path, permits = 1, exclusive, value = null, auto, of = null } = wish;
  const waitMs = options.waitMs === undefined ? null : bounded('waitMs', options.waitMs, 0, maxWaitMs);
  const leaseMs = leaseOf(executor);
  const plain = { permits, exclusive, value, waitMs, leaseMs, auto, of };
  const operation =
    wish.steal === true
      ? ({ kind: 'steal', path, claim: 0, put: plain } as const)
      : ({ kind: 'claim', path, ...plain } as const);
  const holding = new Holding(executor, path);
  return executor.call<Holding>((engine, done) => {
    let resting = false;
    const wake = (): void => {
      if (resting) executor.resting(-1);
      resting = false;
    };
    const handle = claim(
      engine,
      operation,
      { timeoutMs: executor.timeoutOf(options), passes: wish.passes === true },
      (told) => {
        if (told.kind === 'waits') {
          // A wait with a limit ends in any case.
          resting = waitMs === null;
          if (resting) executor.resting(1);
          return;
        }
        wake();
        if (told.kind === 'ended') {
          if (holding.token === 0) done({ ok: false, error: told.error });
          else holding.lose(told.error);
          return;
        }
        if (told.kind === 'granted') {
          holding.claim = told.claim;
          holding.token = told.token;
        }
        done(ok(holding));
      },
    );
    holding.handle = handle;
    const abandon = (): void => {
      // What was granted at the same moment is given up with it.
      handle.cancel();
      if (holding.token > 0) return;
      wake();
      done(fail('Interrupted', 'the call was abandoned', {}, 'definite'));
    };
    return { abandon };
  }, options);
}

/** As an answer, undefined for what another one holds. */
export async function orHeld<T>(claimed: Promise<T>): Promise<T | undefined> {
  try {
    return await claimed;
  } catch (error) {
    if (error instanceof HaretError && error.code === 'Held') return undefined;
    throw error;
  }
}

/** Something that this program holds. It ends by {@link release}, or by a loss, which fires {@link signal}. */
export class Hold<N extends CoreNamespace = CoreNamespace> {
  /** The path of the node. */
  readonly path: string;
  /** The op of the entry that granted it: the fencing token. Later grants have larger ones. */
  readonly token: number;
  /** The op of the entry that put it in line. With the path, it names the claim. */
  readonly claim: number;
  /**
   * The namespace through the session that holds it. A write through it is refused (`SessionGone`) once the session has
   * ended, before another one is granted what this one held. Other writes need {@link guard} for that.
   */
  readonly ns: N;
  readonly #holding: Holding;
  #released = false;

  /** @internal Made by what acquires it. */
  constructor(holding: Holding, ns: N) {
    this.#holding = holding;
    this.path = holding.path;
    this.token = holding.token;
    this.claim = holding.claim;
    this.ns = ns;
  }

  /** True while it is held and can be counted on. It looks at the clock first. */
  get held(): boolean {
    return !this.#released && this.#holding.held;
  }

  /**
   * Aborts when it can no longer be counted on, unless it was released before. The reason is a HaretError `Lost` whose
   * detail `reason` is `lapsed`, `stolen`, `continued`, `deleted`, `sessionGone` or `closed`.
   */
  get signal(): AbortSignal {
    return this.#holding.signal;
  }

  /** Why it was lost. Undefined when it was not. */
  get lost(): HaretError | undefined {
    return this.signal.aborted ? (this.signal.reason as HaretError) : undefined;
  }

  /** For transactions: it is held with this token when the transaction is executed. */
  get guard(): Guard {
    return { kind: 'heldBy', path: this.path, token: this.token, claim: this.claim };
  }

  /**
   * Gives it up. From now on nothing counts on it. If no answer comes, the client goes on until the cluster knows.
   * @returns false when it was lost or released before.
   */
  release(options: CallOptions = {}): Promise<boolean> {
    return this.releaseTo(0, options);
  }

  /** For `await using`: {@link release}, without its errors. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (error) {
      if (!(error instanceof HaretError)) throw error;
    }
  }

  /** @internal */
  protected releaseTo(to: number, options: CallOptions): Promise<boolean> {
    if (this.#released) return Promise.resolve(false);
    this.#released = true;
    return --this.#holding.share.users > 0 ? Promise.resolve(true) : this.#holding.release(to, options);
  }
}

/** Refuses what is no function, before anything is claimed. */
export function functionOf<F>(method: string, work: F | undefined): F {
  if (typeof work === 'function') return work;
  throw haretError('BadArgument', `${method}: expected a function, got ${typeof work}`);
}

/** Runs `work` while `hold` is held, and releases it. @throws HaretError `Lost` when it was lost while `work` ran. */
export async function during<H extends Hold, R>(hold: H, work: (hold: H) => R): Promise<Awaited<R>> {
  try {
    const result = await work(hold);
    const { lost } = hold;
    if (lost !== undefined) throw lost;
    return result;
  } finally {
    await hold[Symbol.asyncDispose]();
  }
}
