/**
 * Takes of a queue, and the jobs that they gave (coordination §11). A take is a claim whose hold is its jobs. A client
 * counts on a job while it counts on its lease, and while the job's own time has surely not come.
 */

import type { ErrorInfo } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import type { Op } from '../base/ids.ts';
import type { BelongingRecord } from '../service/told.ts';
import { jobResultOf } from '../tree/job-result.ts';
import type { OperationResult } from '../tree/operation.ts';
import { Claim } from './claim.ts';
import type { Claimed, ClaimTold } from './claim.ts';
import type { Client } from './client.ts';
import { Claims } from './claims.ts';
import type { TakeWish } from './claims.ts';
import type { Lease } from './lease.ts';

export type { TakeWish } from './claims.ts';

/** How long an extension may take before it is asked anew. */
const extendTimeoutMs = 10_000;

/** An item that a take was given. One that a notice gave has no value. It must be read. */
export interface GivenJob {
  readonly item: number;
  readonly attempts: number;
  readonly value: Uint8Array | null;
}

/** What its handler is told of a take. */
export type TakeTold =
  /** It is in line, behind so many others. */
  | { readonly kind: 'waits'; readonly claim: Op; readonly ahead: number }
  /** It has these jobs, and may count on them from now on. */
  | { readonly kind: 'given'; readonly receipt: Op; readonly jobs: readonly GivenJob[] }
  /** It did not want to wait, and there was nothing. This comes last. */
  | { readonly kind: 'nothing' }
  /** A job can no longer be counted on, with the code `Lost`. */
  | { readonly kind: 'jobOver'; readonly item: number; readonly error: ErrorInfo }
  /** It was given nothing; or, with the code `Lost`, none of its jobs can be counted on. This comes last. */
  | { readonly kind: 'ended'; readonly error: ErrorInfo };

export interface TakeHandle {
  /** Looks at the clock. If a job can no longer be counted on, the handler is told now. */
  look(): void;
  /** True while the job is not finished and may be counted on. */
  has(item: number): boolean;
  /** The job is acknowledged or given back now, so nothing counts on it or extends it any more. */
  finish(item: number): void;
  /** The job is taken until this replicated time. */
  extended(item: number, until: number): void;
  /** Gives up the wait, or all jobs that are not finished, as if they had never been taken. */
  cancel(): void;
}

export interface TakeOptions {
  /** How long it may take until it is given something or stands in line. */
  readonly timeoutMs: number;
  /** Where no queue is, one is made. */
  readonly make: boolean;
}

/** A job that is not finished. */
interface HeldJob {
  until: number;
  /** When it was given or an extension was asked for, and whether that is on its way. */
  askedAtMs: number;
  asking: boolean;
}

/**
 * Takes items of a queue, in the namespace that `client` entered. Jobs that are not finished are extended by the time for
 * which they were taken, again and again.
 * @throws MalformedError for values that no message can hold.
 */
export function take(
  client: Client,
  wish: TakeWish,
  { timeoutMs, make }: TakeOptions,
  handler: (told: TakeTold) => void,
): TakeHandle {
  const asked = make ? ({ kind: 'upsert', operation: wish } as const) : wish;
  const one = new Take(client, wish, timeoutMs, handler);
  client.part(Claims).add(one, asked, wish.leaseMs, wish.waitMs);
  return one;
}

class Take extends Claim implements TakeHandle {
  readonly #client: Client;
  readonly #wish: TakeWish;
  readonly #handler: (told: TakeTold) => void;
  readonly #jobs = new Map<number, HeldJob>();
  #given: readonly GivenJob[] = [];
  #until = 0;
  /** No job that is held is taken back before this replicated time. */
  #leastUntil = Infinity;

  constructor(client: Client, wish: TakeWish, timeoutMs: number, handler: (told: TakeTold) => void) {
    super(wish.path, { timeoutMs }, (told) => this.#told(told));
    this.#client = client;
    this.#wish = wish;
    this.#handler = handler;
  }

  #told(told: ClaimTold): void {
    switch (told.kind) {
      case 'granted':
        return this.#handler({ kind: 'given', receipt: told.token, jobs: this.#given });
      case 'passed':
        return this.#handler({ kind: 'nothing' });
      case 'ended':
        this.#jobs.clear();
        return this.#handler(told);
      case 'waits':
        return this.#handler(told);
    }
  }

  override get owed(): boolean {
    return false;
  }

  override resultOf(result: OperationResult): Claimed | null {
    const took = result.kind === 'table' ? jobResultOf(result) : null;
    if (took?.kind !== 'took') return null;
    this.#until = took.until;
    this.#given = took.items.map(({ id: item, attempts, value }) => ({ item, attempts, value }));
    return { ...took, token: took.receipt };
  }

  override told({ items, until }: BelongingRecord): void {
    this.#until = until ?? 0;
    const given: GivenJob[] = [];
    for (let at = 0; at + 1 < items.length; at += 2)
      given.push({ item: items[at]!, attempts: items[at + 1]!, value: null });
    this.#given = given;
  }

  override begin(lease: Lease): boolean {
    const until = this.#until;
    if (lease.leftUntil(until) <= 0) return false;
    this.#leastUntil = until;
    for (const { item } of this.#given) this.#jobs.set(item, { until, askedAtMs: this.atMs, asking: false });
    return true;
  }

  override lookAt(lease: Lease): number {
    const left = lease.leftUntil(this.#leastUntil);
    if (left > 0) return left;
    this.#leastUntil = Infinity;
    const over: number[] = [];
    for (const [item, { until }] of this.#jobs) {
      if (lease.leftUntil(until) <= 0) over.push(item);
      else this.#leastUntil = Math.min(this.#leastUntil, until);
    }
    for (const item of over) this.#over(item);
    return lease.leftUntil(this.#leastUntil);
  }

  #over(item: number): void {
    if (!this.#jobs.has(item)) return;
    this.finish(item);
    const { path } = this;
    const text = `Lost: item ${item} of ${path}, because its time was over before it was acknowledged or extended`;
    const error = errorInfo('Lost', text, { reason: 'timeUp', path, token: this.token, item });
    this.#handler({ kind: 'jobOver', item, error });
  }

  /** Extends each job three times in its time. */
  override tick(nowMs: number): void {
    const { path, visibilityMs } = this.#wish;
    for (const [item, job] of this.#jobs) {
      if (job.asking || nowMs - job.askedAtMs < visibilityMs / 3) continue;
      job.asking = true;
      job.askedAtMs = nowMs;
      const wish = { kind: 'queueExtend', path, item, receipt: this.token, visibilityMs } as const;
      this.#client.execute(wish, { timeoutMs: extendTimeoutMs }, (result) => {
        job.asking = false;
        const answer = result.ok ? result.value.answer : null;
        const extended =
          answer?.kind === 'result' && answer.result.kind === 'table' ? jobResultOf(answer.result) : null;
        if (extended?.kind === 'job') this.extended(item, extended.until);
        else if (answer?.kind === 'error' && answer.error.code === 'NotHeld') this.#over(item);
      });
    }
  }

  has(item: number): boolean {
    return this.held && this.#jobs.has(item);
  }

  finish(item: number): void {
    if (this.#jobs.delete(item) && this.#jobs.size === 0) this.claims?.forget(this);
  }

  extended(item: number, until: number): void {
    const job = this.#jobs.get(item);
    if (job === undefined) return;
    job.until = until;
    this.#leastUntil = Math.min(this.#leastUntil, until);
  }

  override cancel(): void {
    this.#jobs.clear();
    super.cancel();
  }
}
