/** The base of handles of every type. A handle is a path with a type. To make one asks nothing of the cluster. */

import { HaretError } from '../core/base/errors.ts';
import type { Result } from '../core/base/errors.ts';
import type { Client } from '../core/client/client.ts';
import type { Pending } from '../core/client/options.ts';
import type { WatchHandle, WatchTold } from '../core/client/watches.ts';
import type { Stat } from '../core/tree/operation.ts';
import type { BeginWatch } from './late-watch.ts';
import type { LiveHost } from './live.ts';
import type { CoreNamespace } from './namespace.ts';
import { NodeGuards, NodeOps } from './operations.ts';
import type { Asked, VersionGuard } from './operations.ts';
import type { CallOptions, Read, ReadOptions } from './options.ts';

/** A call of the engine in the namespace that it entered. */
export type EngineCall<T> = (engine: Client, done: (result: Result<T>) => void) => Pending;

/** The way from a handle to its namespace. */
export interface Executor extends LiveHost {
  /** Begins a watch with `begin`. The watch ends when the namespace is left. */
  watch(begin: BeginWatch, handler: (told: WatchTold) => void): WatchHandle;
  readonly defaultRead: Read;
  readonly nowMs: number;
  timeoutOf(options: CallOptions): number;
  /**
   * Sends the operation that `make` gives, and reads the answer.
   * @param make may throw, for a value that its codec refuses. The promise then rejects, as with every other error.
   * @param absent has the answer for a path that does not exist. Without it, that is an error.
   */
  run<R, A = never>(make: () => Asked<R>, options: ReadOptions, absent?: readonly [A]): Promise<R | A>;
  /** Calls the engine once the namespace is entered. The signal abandons the call. */
  call<T>(invoke: EngineCall<T>, options: CallOptions): Promise<T>;
  /** A {@link call} now waits for something that may never happen (1), or is about to end (-1). */
  resting(change: 1 | -1): void;
  /** @see NamespaceParts */
  readonly twin: (leaseMs: number) => CoreNamespace;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof HaretError && error.code === 'PathNotFound';
}

/** The answer of a read where no node exists. */
export const nothing = [undefined] as const;

/** Options of {@link Handle.delete}. */
export interface DeleteOptions extends CallOptions, VersionGuard {
  /** Delete a directory with everything in it. Without this, a directory that is not empty is refused. */
  readonly recursive?: boolean | undefined;
}

/**
 * A node of the tree, by its path. Handles are cheap, so make them where you need them. Reads do not require that the
 * node exists: an absent node reads as an empty one. Writes that add to a node create it first, in the same step.
 */
export abstract class Handle {
  /**
   * Its operations as values, for transactions. In a transaction they are strict: a path that does not exist fails the
   * transaction.
   */
  abstract readonly op: NodeOps;
  /** Its conditions, for transactions. */
  abstract readonly guard: NodeGuards;
  /** The absolute path, as it was given. It is checked when it is used. */
  readonly path: string;
  /** @internal */
  readonly executor: Executor;

  constructor(executor: Executor, path: string) {
    this.executor = executor;
    this.path = path;
  }

  /** True when a node of any type exists. */
  exists(options: ReadOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.exists(), options);
  }

  /** Its type, version, sizes, and the op numbers of its creation and last change. Undefined when it does not exist. */
  stat(options: ReadOptions = {}): Promise<Stat | undefined> {
    return this.executor.run(() => this.op.stat(), options, nothing);
  }

  /** @returns false when no node existed. */
  async delete({ ifVersion, recursive, ...options }: DeleteOptions = {}): Promise<boolean> {
    const operation = this.op.delete({ ifVersion, recursive: recursive === true });
    return (await this.executor.run(() => operation, options, nothing)) !== undefined;
  }
}

/** A node whose type does not matter. */
export class AnyNode extends Handle {
  readonly op: NodeOps;
  readonly guard: NodeGuards;

  constructor(executor: Executor, path: string) {
    super(executor, path);
    this.op = new NodeOps(path);
    this.guard = new NodeGuards(path);
  }
}
