/** A job: an item of a queue that this program took, and has until it acknowledges it, gives it back or loses it. */

import type { ErrorInfo } from '../../core/base/errors.ts';
import { HaretError, haretError } from '../../core/base/errors.ts';
import type { TakeHandle } from '../../core/client/takes.ts';
import { jobResultOf } from '../../core/tree/job-result.ts';
import type { JobResult } from '../../core/tree/job-result.ts';
import type { SimpleOperation } from '../../core/tree/operation.ts';
import type { Executor } from '../handle.ts';
import { opOf, written } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, Written } from '../options.ts';
import { bounded } from './hold.ts';

export const minVisibilityMs = 1000;
export const maxVisibilityMs = 86_400_000;
export const maxDelayMs = 2_592_000_000;

/** An operation whose result is one of those of jobs. */
export function jobOp<O extends SimpleOperation, K extends JobResult['kind'], R>(
  operation: O,
  kind: K,
  read: (result: Extract<JobResult, { readonly kind: K }>, op: number) => R,
): Op<R> & { readonly operation: O } {
  return opOf(operation, 'table', (table, op) => {
    const result = jobResultOf(table);
    if (result.kind !== kind) throw haretError('Internal', `${operation.kind} was answered by ${result.kind}`);
    return read(result as Extract<JobResult, { readonly kind: K }>, op);
  });
}

/** Options of {@link Job.nack}. */
export interface NackOptions extends CallOptions {
  /**
   * After how many milliseconds it waits again. Default: a second after its first attempt, and twice as long after each
   * further one, up to a minute.
   */
  readonly delayMs?: number | undefined;
  /** Why it failed, at most 1,024 bytes. It is kept with an item that is dead. */
  readonly reason?: string | undefined;
}

/** What a job is made of. */
export interface JobParts<Out> {
  readonly executor: Executor;
  readonly handle: TakeHandle;
  readonly path: string;
  readonly receipt: number;
  readonly item: number;
  readonly attempt: number;
  decode(): Out;
  /** Is called once when nothing is left to do for it. */
  over(): void;
}

/**
 * An item of a queue that this program took. While it is not settled, the client extends its time again and again. It is
 * settled by {@link ack} or {@link nack}, or lost, which fires {@link signal}.
 */
export class Job<Out> {
  /** The path of the queue. */
  readonly path: string;
  /** The number of the item in its queue. */
  readonly id: number;
  /** How often the item was taken, with this time: 1 for the first attempt. */
  readonly attempt: number;
  /** The op of the entry that gave it. Whoever gets the item later has a larger one, so it is a fencing token. */
  readonly receipt: number;
  readonly #parts: JobParts<Out>;
  readonly #controller = new AbortController();
  #settled = false;

  /** @internal Made by what takes it. */
  constructor(parts: JobParts<Out>) {
    this.#parts = parts;
    this.path = parts.path;
    this.id = parts.item;
    this.attempt = parts.attempt;
    this.receipt = parts.receipt;
  }

  /** The item. @throws HaretError `BadValue` when the codec refuses it. */
  get value(): Out {
    return this.#parts.decode();
  }

  /** True while this program has it and can count on that. It looks at the clock first. */
  get held(): boolean {
    return !this.#settled && this.#parts.handle.has(this.id) && !this.#controller.signal.aborted;
  }

  /** True once it was acknowledged, given back or lost. */
  get settled(): boolean {
    return this.#settled;
  }

  /**
   * Aborts when it can no longer be counted on, unless it was settled before. The reason is a HaretError `Lost` whose
   * detail `reason` is `timeUp`, `lapsed`, `continued`, `sessionGone` or `closed`. From then on another one may have it.
   */
  get signal(): AbortSignal {
    this.#parts.handle.look();
    return this.#controller.signal;
  }

  /** Its operations as values, for transactions: what is written and the job are then settled together. */
  get op(): {
    /** As {@link Job.ack}. Fails with `NotHeld` when it was taken back before. */
    readonly ack: () => Op<Written>;
    /** As {@link Job.nack}. Fails with `NotHeld` when it was taken back before. */
    readonly nack: (options?: Pick<NackOptions, 'delayMs' | 'reason'>) => Op<Written>;
  } {
    const settling = (op: Op<Written>): Op<Written> => ({
      operation: op.operation,
      read: (result, at) => {
        this.#settle();
        return op.read(result, at);
      },
    });
    return { ack: () => settling(this.#ack()), nack: (options = {}) => settling(this.#nack(options)) };
  }

  #ack(): Op<Written> {
    const { path, id: item, receipt } = this;
    return opOf({ kind: 'queueAck', path, item, receipt }, 'done', written);
  }

  #nack({ delayMs, reason = '' }: Pick<NackOptions, 'delayMs' | 'reason'>): Op<Written> {
    const { path, id: item, receipt } = this;
    const after = delayMs === undefined ? null : bounded('delayMs', delayMs, 0, maxDelayMs);
    return opOf({ kind: 'queueNack', path, item, receipt, delayMs: after, reason }, 'done', written);
  }

  /**
   * It is done, and its item goes away. It is not extended any more, whatever comes of this.
   * @returns false when it was taken back before, so that another one has it, or will.
   */
  ack(options: CallOptions = {}): Promise<boolean> {
    return this.#end(this.#ack(), options);
  }

  /**
   * It failed. Its item waits again after a while, or is dead after its last attempt.
   * @returns false when it was taken back before.
   */
  async nack({ delayMs, reason, ...options }: NackOptions = {}): Promise<boolean> {
    return this.#end(this.#nack({ delayMs, reason }), options);
  }

  async #end(op: Op<Written>, options: CallOptions): Promise<boolean> {
    this.#settle();
    try {
      await this.#parts.executor.run(() => op, options);
      return true;
    } catch (error) {
      if (error instanceof HaretError && (error.code === 'NotHeld' || error.code === 'SessionGone')) return false;
      throw error;
    }
  }

  /**
   * Has it for so many milliseconds from now on. The client does this by itself for as long as it was taken for.
   * @returns false when it was taken back before.
   */
  async extend(visibilityMs: number, options: CallOptions = {}): Promise<boolean> {
    const { path, id: item, receipt } = this;
    const ms = bounded('visibilityMs', visibilityMs, minVisibilityMs, maxVisibilityMs);
    const asked = jobOp({ kind: 'queueExtend', path, item, receipt, visibilityMs: ms }, 'job', ({ until }) => until);
    try {
      this.#parts.handle.extended(item, await this.#parts.executor.run(() => asked, options));
      return true;
    } catch (error) {
      if (error instanceof HaretError && (error.code === 'NotHeld' || error.code === 'SessionGone')) return false;
      throw error;
    }
  }

  /** Shows others how far it is, by at most 1,024 bytes. @throws HaretError `NotHeld` when it was taken back before. */
  progress(note: string, options: CallOptions = {}): Promise<Written> {
    const { path, id: item, receipt } = this;
    return this.#parts.executor.run(
      () => opOf({ kind: 'queueProgress', path, item, receipt, note }, 'done', written),
      options,
    );
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#parts.handle.finish(this.id);
    this.#parts.over();
  }

  /** @internal */
  lose(error: ErrorInfo): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#controller.abort(new HaretError(error));
    this.#parts.over();
  }
}
