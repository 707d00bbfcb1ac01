/** Watches: what is committed at and beneath a path, in order, each change once, for as long as it is wanted. */

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
  /** With everything beneath the path. Default true. */
  readonly recursive?: boolean | undefined;
  /**
   * `now`, the default: what is committed from here on. `snapshot`: the state as it is, then every change of it, with no gap between.
   * `{ after: op }`: everything behind `op`, to go on where another watch ended ({@link Watch.op}). An op that is still to come is waited for, and
   * nothing before it is told.
   */
  readonly from?:
    | 'now'
    | 'snapshot'
    | {
        /** An op number, of a watch or of an answer. */
        readonly after: number;
      }
    | undefined;
  /** With the values that were put, pushed, inserted and so on. Default true. */
  readonly values?: boolean | undefined;
  /** It ends after the first event. */
  readonly once?: boolean | undefined;
  /**
   * What becomes of what a slow reader missed and no node remembers in full. `reset`, the default: the state anew, as a snapshot that says
   * so. `fold`: what was missed as one event, in which each path is told only as it stands after the last change.
   */
  readonly slow?: 'reset' | 'fold' | undefined;
  /** Of its beginning: a `local` one begins where the node is, and needs no primary. */
  readonly read?: Read | undefined;
  /** Also yield marks that say how far everything was told. Default false; {@link Watch.op} moves by them anyway. */
  readonly progress?: boolean | undefined;
}

/** What one committed entry changed of what is watched; a transaction is one event. */
export interface WatchEvent {
  /** Something changed. */
  readonly kind: 'event';
  /** The op number of the entry. */
  readonly op: number;
  /** The group's own clock at the entry: milliseconds since the namespace was made, while it had a primary. */
  readonly timestamp: number;
  /** Several entries in one, for a slow reader that asked for it. */
  readonly folded: boolean;
  /** In the order in which they were made. */
  readonly changes: readonly Change[];
}

/** A page of the state after `op`, told as the changes that make it. */
export interface WatchSnapshot {
  /** How things stand. */
  readonly kind: 'snapshot';
  /** Everything up to it is in the snapshot, and nothing behind it. */
  readonly op: number;
  /** It stands in the place of events that nobody remembers any more. */
  readonly reset: boolean;
  /** What was known before is void from here on. A snapshot whose connection breaks is begun anew. */
  readonly first: boolean;
  /** The state is complete; events follow. */
  readonly last: boolean;
  /** What makes this part of the state, depth first. */
  readonly changes: readonly Change[];
}

/** There was nothing else up to `op`. */
export interface WatchProgress {
  /** A mark. */
  readonly kind: 'progress';
  /** Everything up to it was told. */
  readonly op: number;
}

/** What a watch yields. */
export type WatchUpdate = WatchEvent | WatchSnapshot | WatchProgress;

/** Begins a watch for a handler. */
export type OpenWatch = (path: string, options: EngineWatchOptions, handler: (told: WatchTold) => void) => WatchHandle;

/**
 * A watch as an async iterator. It survives reconnects, other nodes, failovers and restarts of the whole cluster, without a gap and
 * without a repeat. Leaving the loop ends it.
 *
 * @example
 * for await (const update of ns.watch('/svc', { from: 'snapshot' })) {
 *   for (const { path, kind } of update.changes) console.log(update.op, kind, path);
 * }
 */
export class Watch<U extends WatchUpdate = WatchEvent | WatchSnapshot> implements AsyncIterableIterator<U, undefined> {
  /** What is watched. */
  readonly path: string;
  readonly #stream: WatchStream;
  readonly #signal: AbortSignal | undefined;
  readonly #progress: boolean;
  /** It begins with a snapshot. */
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
   * Everything up to this op was yielded: where another watch can go on, `from: { after: op }`. Null before that can be said: of a snapshot,
   * before its last page.
   */
  get op(): number | null {
    return this.#op;
  }

  /** The next update; `done` once the watch ended. @throws HaretError that says why it cannot go on */
  next(): Promise<IteratorResult<U, undefined>> {
    // One after the other, however many ask at once: what is passed over for one would else be made up for behind the others.
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
        // Not before its last page: who goes on behind a snapshot that was not told to its end loses the rest of it.
        if (value.kind === 'begun' ? !this.#whole : value.kind !== 'snapshot' || value.last) this.#op = value.op;
        // What is yielded is what U says: marks only for who asked for them.
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

  /** Itself: there is one reader. */
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

/** What is committed at and beneath `path` of `namespace`, in order, each change once, until the loop is left or `signal` ends it. */
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
