/** What handles of every type have in common. A handle is a name with a type: making one asks nothing of the cluster. */

import { HaretError, haretError } from '../core/base/errors.ts';
import type { Operation, Stat } from '../core/tree/operation.ts';
import type { Answer } from './channel.ts';
import type { NodeGuards, NodeOps, Op, VersionGuard } from './operations.ts';
import type { Fold, Live } from './live.ts';
import type { CallOptions, Read, ReadOptions } from './options.ts';

/** How handles reach their namespace. */
export interface Executor {
  readonly defaultRead: Read;
  readonly nowMs: number;
  timeoutOf(options: CallOptions): number;
  run(operation: Operation, options: ReadOptions): Promise<Answer>;
  /** The live value that is known by `key`; one is made over `fold` when there is none. */
  live<T>(key: string, path: string, recursive: boolean, fold: () => Fold<T>): Live<T>;
  /** Equal for one codec in one namespace. */
  keyOf(type: string, path: string, codec: object | null): string;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof HaretError && error.code === 'PathNotFound';
}

export interface DeleteOptions extends CallOptions, VersionGuard {
  /** Take a directory with everything in it. Without this, one that is not empty is refused. */
  readonly recursive?: boolean | undefined;
}

/**
 * A node of the tree, by its path. Handles are cheap: make them where you need them. What reads asks nothing of whether the node exists:
 * an absent one reads as an empty one, and what adds to it creates it first, in the same step.
 */
export abstract class Handle {
  /** Its operations as values, for transactions. There they are strict: a path that does not exist fails the transaction. */
  abstract readonly op: NodeOps;
  /** What a transaction may ask of it. */
  abstract readonly guard: NodeGuards;
  readonly path: string;
  protected readonly executor: Executor;

  constructor(executor: Executor, path: string) {
    this.executor = executor;
    this.path = path;
  }

  exists(options: ReadOptions = {}): Promise<boolean> {
    return this.run(() => this.op.exists(), options);
  }

  /** Type, version, sizes, and the op numbers of its creation and last change; undefined when it is not there. */
  stat(options: ReadOptions = {}): Promise<Stat | undefined> {
    return this.orAbsent(() => this.op.stat(), options, undefined);
  }

  /** @returns false when there was nothing to delete. */
  async delete({ ifVersion, recursive, ...options }: DeleteOptions = {}): Promise<boolean> {
    const operation = this.op.delete({ ifVersion, recursive: recursive === true });
    return (await this.orAbsent(() => operation, options, undefined)) !== undefined;
  }

  /** @param make what it throws, of a value that its codec refuses, is told as every other error: by the promise. */
  protected async run<R>(make: () => Op<R>, options: ReadOptions): Promise<R> {
    const op = make();
    return this.answered(op, await this.executor.run(op.operation, options));
  }

  protected answered<R>(op: Op<R>, { result, op: at }: Answer): R {
    if (result.kind === 'transaction') throw haretError('Internal', 'an operation was answered by transaction');
    return op.read(result, at);
  }

  /** The same, with `absent` for a path that does not exist. */
  protected async orAbsent<R, A>(make: () => Op<R>, options: ReadOptions, absent: A): Promise<R | A> {
    try {
      const op = make();
      return this.answered(op, await this.executor.run(op.operation, options));
    } catch (error) {
      if (isNotFound(error)) return absent;
      throw error;
    }
  }

  /** Runs an operation, with `create` before it when the node is not there: as one entry, so that nobody sees the one without the other. */
  protected async creating<R>(make: () => Op<R>, create: () => Op<unknown>, options: CallOptions): Promise<R> {
    const op = make();
    const until = this.executor.nowMs + this.executor.timeoutOf(options);
    try {
      return await this.run(() => op, options);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const { result, op: at } = await this.executor.run(
      {
        kind: 'transaction',
        guards: [this.guard.absent()],
        then: [create().operation, op.operation],
        otherwise: [op.operation],
      },
      { ...options, timeoutMs: Math.max(1, until - this.executor.nowMs) },
    );
    const last = result.kind === 'transaction' ? result.results.at(-1) : undefined;
    if (last === undefined) throw haretError('Internal', 'a transaction without a result');
    return op.read(last, at);
  }
}
