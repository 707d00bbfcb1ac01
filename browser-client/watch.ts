/**
 * Watches: everything that is committed at and beneath a path, in order and each change once, for as long as the
 * program wants.
 */

import { HaretError } from '../core/base/errors.ts';
import type { Change } from '../core/service/events.ts';
import { WatchStream } from '../core/client/watch-stream.ts';
import type { WatchYield } from '../core/client/watch-stream.ts';
import { watch as watchWith } from '../core/client/watches.ts';
import type { WatchOptions as EngineWatchOptions, WatchHandle, WatchTold } from '../core/client/watches.ts';
import type { Executor } from './handle.ts';
import { interrupted } from './interrupted.ts';
import type { CoreNamespace } from './namespace.ts';
import type { Read } from './options.ts';

export type { Change };

/** Options of {@link Namespace.watch}. */
export interface WatchOptions {
  /** Ends the watch with `Interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** Watch everything beneath the path too. Default true. */
  readonly recursive?: boolean | undefined;
  /**
   * Where it begins. `now`, the default: with what is committed from here on. `snapshot`: with the present state, then
   * every change of it, with no gap between. `{ after: op }`: with everything after `op`, to continue where another
   * watch ended ({@link Watch.op}). The op may still be in the future. Then nothing before it is told.
   */
  readonly from?:
    | 'now'
    | 'snapshot'
    | {
        /** An op number, of a watch or of an answer. */
        readonly after: number;
      }
    | undefined;
  /** Include the values that were put, pushed, inserted and so on. Default true. */
  readonly values?: boolean | undefined;
  /** End after the first event. */
  readonly once?: boolean | undefined;
  /**
   * How a slow reader gets events that it missed and that no node remembers in full any more. `reset`, the default: the
   * state again, as a snapshot that says so. `fold`: one event for everything missed, in which each path has only its
   * state after the last change.
   */
  readonly slow?: 'reset' | 'fold' | undefined;
  /**
   * The consistency of its beginning. A `local` watch begins at the state of the connected node, and needs no primary.
   */
  readonly read?: Read | undefined;
  /** Also yield marks that say up to which op everything was told. Default false. {@link Watch.op} uses them anyway. */
  readonly progress?: boolean | undefined;
}

/** The changes of one committed entry, as far as they are watched. A transaction is one event. */
export interface WatchEvent {
  /** Something changed. */
  readonly kind: 'event';
  /** The op number of the entry. */
  readonly op: number;
  /**
   * The time of the group's own clock at the entry: milliseconds since the namespace was made, counted while it had a
   * primary.
   */
  readonly timestamp: number;
  /** True when it has several entries in one, for a slow reader that asked for this. */
  readonly folded: boolean;
  /** The changes, in the order in which they were made. */
  readonly changes: readonly Change[];
}

/** A page of the state after `op`, told as changes that create it. */
export interface WatchSnapshot {
  /** A page of the state. */
  readonly kind: 'snapshot';
  /** Everything up to this op is in the snapshot, and nothing after it. */
  readonly op: number;
  /** True when it replaces events that are no longer remembered. */
  readonly reset: boolean;
  /** Everything known before is void from here on. A snapshot whose connection breaks is begun again. */
  readonly first: boolean;
  /** The state is complete, and events follow. */
  readonly last: boolean;
  /** The changes that create this part of the state, depth first. */
  readonly changes: readonly Change[];
}

/** Nothing else happened up to `op`. */
export interface WatchProgress {
  /** A mark. */
  readonly kind: 'progress';
  /** Everything up to it was told. */
  readonly op: number;
}

/** The updates that a watch yields. */
export type WatchUpdate = WatchEvent | WatchSnapshot | WatchProgress;

/** Begins a watch for a handler. */
export type OpenWatch = (path: string, options: EngineWatchOptions, handler: (told: WatchTold) => void) => WatchHandle;

/**
 * A watch as an async iterator. It survives reconnects, changes of node, failovers and restarts of the whole cluster,
 * without a gap and without a repeat. Leaving the loop ends it.
 *
 * @example
 * for await (const update of ns.watch('/svc', { from: 'snapshot' })) {
 *   for (const { path, kind } of update.changes) console.log(update.op, kind, path);
 * }
 */
export class Watch<U extends WatchUpdate = WatchEvent | WatchSnapshot> implements AsyncIterableIterator<U, undefined> {
  /** The watched path. */
  readonly path: string;
  readonly #stream: WatchStream;
  readonly #signal: AbortSignal | undefined;
  readonly #progress: boolean;
  /** True when it begins with a snapshot. */
  readonly #whole: boolean;
  readonly #waiting: (change: 1 | -1) => void;
  #op: number | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @internal Made by {@link Namespace.watch}. */
  constructor(open: OpenWatch, waiting: (change: 1 | -1) => void, path: string, options: WatchOptions) {
    this.path = path;
    this.#signal = options.signal;
    this.#progress = options.progress === true;
    this.#whole = options.from === 'snapshot';
    this.#waiting = waiting;
    this.#stream = new WatchStream((handler) => open(path, engineOptions(options), handler), options.signal);
  }

  /**
   * Everything up to this op was yielded, so another watch can continue there with `from: { after: op }`. Null until
   * that is known. With a snapshot, that is at its last page.
   */
  get op(): number | null {
    return this.#op;
  }

  /** The next update. `done` once the watch has ended. @throws HaretError with the reason why it cannot go on. */
  next(): Promise<IteratorResult<U, undefined>> {
    // Calls run one after the other, however many are made at once. Otherwise an update that one call skips would reach
    // the callers in the wrong order.
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #next(): Promise<IteratorResult<U, undefined>> {
    this.#waiting(1);
    try {
      for (;;) {
        const { done, value } = await this.#stream.next();
        if (done === true) return { done, value: undefined };
        // The op counts only with the last page. A watch that continues after an incomplete snapshot would lose the
        // rest of it.
        if (value.kind === 'begun' ? !this.#whole : value.kind !== 'snapshot' || value.last) this.#op = value.op;
        // U says what is yielded: marks only if they were asked for.
        if (this.#isWanted(value)) return { done: false, value: value as U };
      }
    } catch (error) {
      const signal = this.#signal;
      const cut = signal?.aborted === true && error instanceof HaretError && error.code === 'Interrupted';
      throw cut ? interrupted(signal, 'definite') : error;
    } finally {
      this.#waiting(-1);
    }
  }

  #isWanted(value: WatchYield): value is Exclude<WatchYield, { kind: 'begun' }> {
    return value.kind === 'event' || value.kind === 'snapshot' || (value.kind === 'progress' && this.#progress);
  }

  /** Ends the watch. */
  async return(): Promise<IteratorResult<U, undefined>> {
    await this.#stream.return();
    return { done: true, value: undefined };
  }

  /** Returns itself, because a watch has only one reader. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** For `await using`: {@link return}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** The watches of a namespace. */
export function watchesOf(executor: Executor): OpenWatch {
  return (path, options, handler) => executor.watch((engine, told) => watchWith(engine, path, options, told), handler);
}

function engineOptions(options: WatchOptions): EngineWatchOptions {
  const { recursive = true, from = 'now', values = true, once = false, slow = 'reset', read } = options;
  return {
    subtree: recursive,
    from,
    values,
    oneshot: once,
    slow,
    ...(read === undefined ? {} : { consistency: read }),
  };
}

/**
 * Iterates over everything that is committed at and beneath `path` of `namespace`, in order and each change once, until
 * the loop is left or `signal` ends it.
 */
export function watch(
  namespace: CoreNamespace,
  path: string,
  options: WatchOptions & { readonly progress: true },
): Watch<WatchUpdate>;
export function watch(namespace: CoreNamespace, path: string, options?: WatchOptions): Watch;
export function watch({ executor }: CoreNamespace, path: string, options: WatchOptions = {}): Watch<WatchUpdate> {
  const read = options.read ?? executor.defaultRead;
  return new Watch(watchesOf(executor), (change) => executor.listening(change), path, { ...options, read });
}
