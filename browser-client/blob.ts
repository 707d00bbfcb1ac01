/** A value at a path. */

import { haretError } from '../core/base/errors.ts';
import type { Codec } from './codecs.ts';
import { Handle, isNotFound } from './handle.ts';
import type { Executor } from './handle.ts';
import { BlobFold } from './folds.ts';
import type { Live } from './live.ts';
import { BlobGuards, BlobOps } from './operations.ts';
import type { Guard, Op } from './operations.ts';
import type { CallOptions, ReadOptions, Versioned, Written } from './options.ts';

export interface PutOptions extends CallOptions {
  /** Put only over this version; else `GuardFailed`, or `PathNotFound` when it is gone. */
  readonly ifVersion?: number | undefined;
  /** Put only where nothing is; else `GuardFailed`. */
  readonly ifAbsent?: boolean | undefined;
}

/** What {@link Blob.update} found. `modified` names that very state: unlike a version, it never comes again. */
interface Found<Out> {
  readonly value: Out;
  readonly modified: number;
}

export class Blob<Out, In = Out> extends Handle {
  readonly op: BlobOps<Out, In>;
  readonly #codec: Codec<Out, In>;

  constructor(executor: Executor, path: string, codec: Codec<Out, In>) {
    super(executor, path);
    this.#codec = codec;
    this.op = new BlobOps(path, codec);
  }

  get guard(): BlobGuards<In> {
    return new BlobGuards(this.path, this.#codec);
  }

  /** The value; undefined when the path does not exist. */
  get(options: ReadOptions = {}): Promise<Out | undefined> {
    return this.orAbsent(() => this.op.get(), options, undefined);
  }

  /** The value with its version, for a later `put` with `ifVersion`; undefined when the path does not exist. */
  read(options: ReadOptions = {}): Promise<Versioned<Out> | undefined> {
    return this.orAbsent(() => this.op.read(), options, undefined);
  }

  /** Writes, and creates the blob and the directories above it when they are missing. */
  async put(value: In, options: PutOptions = {}): Promise<Written> {
    const put = this.op.put(value, options);
    const guarded = options.ifVersion !== undefined || options.ifAbsent === true;
    const until = this.executor.nowMs + this.executor.timeoutOf(options);
    for (;;) {
      try {
        return this.answered(put, await this.executor.run(put.operation, options));
      } catch (error) {
        if (guarded || !isNotFound(error)) throw error;
      }
      const left = (): CallOptions => ({ ...options, timeoutMs: Math.max(1, until - this.executor.nowMs) });
      // Twice the value in one transaction would do it in one step; but large values are the rule here, and first puts are not.
      const created = await this.#branch([this.guard.absent()], this.op.create(value), [], left());
      if (created.held) return created.result;
      // Someone else created it in between; it may be gone again by now.
      options = left();
    }
  }

  /** Creates the blob. @throws HaretError `PathExists` */
  create(value: In, options: CallOptions = {}): Promise<Written> {
    return this.run(() => this.op.create(value), options);
  }

  /** Writes `value` where `expected` is, byte for byte. @throws HaretError `GuardFailed` when something else is there. */
  replace(expected: In, value: In, options: CallOptions = {}): Promise<Written> {
    return this.run(() => this.op.replace(expected, value), options);
  }

  /** @internal */
  get liveKey(): string {
    return this.executor.keyOf('blob', this.path, this.#codec);
  }

  /** The value, kept up to date; undefined while the path does not exist. */
  live(): Live<Out | undefined> {
    return this.executor.live(this.liveKey, this.path, false, () => new BlobFold(this.path, this.#codec));
  }

  /** Bytes of the value; undefined when the path does not exist. */
  size(options: ReadOptions = {}): Promise<number | undefined> {
    return this.orAbsent(() => this.op.size(), options, undefined);
  }

  /**
   * Reads, lets `change` compute the next value, and writes that only over what it was computed from; else once more, until it holds.
   * `change` gets undefined where the path does not exist, and gives undefined to leave things as they are. It may be called many
   * times, and should do nothing but compute. `timeoutMs` counts for all of it.
   *
   * It never guesses: when the outcome of a write is unknown, so is that of the update, and the error says so.
   * @returns what was written; undefined when `change` gave undefined.
   */
  async update(
    change: (current: Out | undefined) => In | undefined | Promise<In | undefined>,
    options: CallOptions = {},
  ): Promise<Versioned<In> | undefined> {
    const until = this.executor.nowMs + this.executor.timeoutOf(options);
    let attempts = 0;
    const left = (): CallOptions => {
      const timeoutMs = until - this.executor.nowMs;
      if (timeoutMs > 0) return { ...options, timeoutMs };
      const problem = `${this.path} kept changing: ${attempts} attempts to update it`;
      throw haretError('Timeout', problem, { path: this.path, attempts }, 'definite');
    };
    let found = await this.#find([], left());
    for (;;) {
      const value = await change(found?.value);
      if (value === undefined) return undefined;
      attempts++;
      const guard = found === null ? this.guard.absent() : this.guard.modified(found.modified);
      const write = found === null ? this.op.create(value) : this.op.put(value);
      try {
        const written = await this.#branch([guard], write, [this.op.stat(), this.op.get()], left());
        if (written.held) return { value, ...written.result };
        const [stat, current] = written.otherwise as [{ readonly modified: number }, Out];
        found = { value: current, modified: stat.modified };
      } catch (error) {
        // The guard did not hold, and then there was nothing to look at.
        if (found === null || !isNotFound(error)) throw error;
        found = null;
      }
    }
  }

  async #find(guards: readonly Guard[], options: CallOptions): Promise<Found<Out> | null> {
    try {
      const ops = [this.op.stat(), this.op.get()] as const;
      const { result, op } = await this.executor.run(
        { kind: 'transaction', guards, then: ops.map(({ operation }) => operation), otherwise: [] },
        { ...options, read: 'linearizable' },
      );
      if (result.kind !== 'transaction') throw haretError('Internal', 'a transaction was answered by something else');
      const [stat, value] = result.results;
      if (stat === undefined || value === undefined) throw haretError('Internal', 'a transaction without results');
      return { modified: ops[0].read(stat, op).modified, value: ops[1].read(value, op) };
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  /** One write under guards, and what to read when they do not hold. */
  async #branch<R>(
    guards: readonly Guard[],
    write: Op<R>,
    otherwise: readonly Op<unknown>[],
    options: CallOptions,
  ): Promise<
    { readonly held: true; readonly result: R } | { readonly held: false; readonly otherwise: readonly unknown[] }
  > {
    const { result, op } = await this.executor.run(
      {
        kind: 'transaction',
        guards,
        then: [write.operation],
        otherwise: otherwise.map(({ operation }) => operation),
      },
      options,
    );
    if (result.kind !== 'transaction') throw haretError('Internal', 'a transaction was answered by something else');
    const { held, results } = result;
    if (results.length !== (held ? 1 : otherwise.length)) throw haretError('Internal', 'a result is missing');
    if (held) return { held, result: write.read(results[0]!, op) };
    return { held, otherwise: otherwise.map((one, i) => one.read(results[i]!, op)) };
  }
}
