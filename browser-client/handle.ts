/** What handles of every type have in common. A handle is a name with a type: making one asks nothing of the cluster. */

import { HaretError } from '../core/base/errors.ts';
import type { WatchHandle, WatchTold } from '../core/client/watches.ts';
import type { Stat } from '../core/tree/operation.ts';
import type { BeginWatch } from './late-watch.ts';
import type { LiveHost } from './live.ts';
import { NodeGuards, NodeOps } from './operations.ts';
import type { Asked, VersionGuard } from './operations.ts';
import type { CallOptions, Read, ReadOptions } from './options.ts';

/** How handles reach their namespace. */
export interface Executor extends LiveHost {
  /** A watch that `begin` begins; it ends when the namespace is left. */
  watch(begin: BeginWatch, handler: (told: WatchTold) => void): WatchHandle;
  readonly defaultRead: Read;
  readonly nowMs: number;
  timeoutOf(options: CallOptions): number;
  /**
   * Asks what `make` gives, and reads the answer.
   * @param make what it throws, of a value that its codec refuses, is told as every other error: by the promise.
   * @param absent holds what is the answer where the path does not exist; without it, that is an error.
   */
  run<R, A = never>(make: () => Asked<R>, options: ReadOptions, absent?: readonly [A]): Promise<R | A>;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof HaretError && error.code === 'PathNotFound';
}

/** What is read where nothing is. */
export const nothing = [undefined] as const;

/** Options of {@link Handle.delete}. */
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
  /** Absolute, as it was given; it is judged when it is used. */
  readonly path: string;
  /** @internal */
  readonly executor: Executor;

  constructor(executor: Executor, path: string) {
    this.executor = executor;
    this.path = path;
  }

  /** Is there a node of any type? */
  exists(options: ReadOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.exists(), options);
  }

  /** Type, version, sizes, and the op numbers of its creation and last change; undefined when it is not there. */
  stat(options: ReadOptions = {}): Promise<Stat | undefined> {
    return this.executor.run(() => this.op.stat(), options, nothing);
  }

  /** @returns false when there was nothing to delete. */
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
