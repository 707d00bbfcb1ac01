/** Values that keep themselves up to date: a snapshot and the changes behind it, folded into what a handle stands for. */

import { HaretError, haretError } from '../core/base/errors.ts';
import type { NodeType } from '../core/tree/operation.ts';
import type { Change } from '../core/service/events.ts';
import type { WatchHandle, WatchTold } from '../core/client/watches.ts';
import { Listeners } from './events.ts';
import type { Executor } from './handle.ts';
import type { ConnectionState } from './options.ts';
import { watchesOf } from './watch.ts';
import type { OpenWatch } from './watch.ts';

/**
 * - `loading`: nothing is known yet;
 * - `live`: `value` is the state after `op`, and changes will be told;
 * - `stale`: the connection is away; `value` was the state after `op`, and what changes meanwhile will be told when it is back;
 * - `failed`: `error` says why; `value` is the last one that was known. A value that its codec refuses, and a node of another type, are left
 *   behind by the next good one; every other failure is for good.
 */
export type LiveState<T> =
  | {
      /** Nothing is known yet. */
      readonly status: 'loading';
      /** None. */
      readonly value: undefined;
      /** None. */
      readonly op: 0;
      /** None. */
      readonly error: undefined;
    }
  | {
      /** It is known, and up to date or not. */
      readonly status: 'live' | 'stale';
      /** The state after `op`. */
      readonly value: T;
      /** The op number up to which it is known. */
      readonly op: number;
      /** None. */
      readonly error: undefined;
    }
  | {
      /** It cannot be known. */
      readonly status: 'failed';
      /** The last one that was known. */
      readonly value: T | undefined;
      /** The op number up to which it was known. */
      readonly op: number;
      /** Why. */
      readonly error: HaretError;
    };

/** Makes a value of changes. */
export interface Fold<T> {
  clear(): void;
  apply(change: Change): void;
  /** The value now; the same object as long as nothing changed. @throws HaretError BadValue */
  value(): T;
}

/** What a live value is made from. */
export interface LiveSource<T> {
  readonly type: NodeType;
  /** What reads the values: another one makes another live value of the same node. */
  readonly codec: object;
  /** With everything beneath the path. */
  readonly recursive: boolean;
  fold(): Fold<T>;
}

/** Whatever has a live value: a handle of a blob, counter, set, queue or directory. */
export interface HasLive<T> {
  /** Where it is. */
  readonly path: string;
  /** @internal */
  readonly executor: Executor;
  /** @internal */
  readonly source: LiveSource<T>;
}

/** What a {@link Live} needs of its namespace. */
export interface LiveHost {
  readonly state: ConnectionState;
  onState(listener: () => void): () => void;
  /** One more or less waits to be told something. */
  listening(change: 1 | -1): void;
}

/** What a {@link Live} is made of. */
export interface LiveParts<T> {
  readonly host: LiveHost;
  readonly watch: OpenWatch;
  readonly path: string;
  readonly recursive: boolean;
  readonly fold: Fold<T>;
}

/** Told from a value that was never looked at. */
const absent = {};
const loading = { status: 'loading', value: undefined, op: 0, error: undefined } as const;

/**
 * A value that follows its node. It watches while somebody is subscribed or iterates, and knows no more than it did when nobody is. What
 * changes faster than it is looked at is skipped: an iterator yields the latest.
 *
 * @example
 * for await (const config of ns.blob('/config', json<Config>()).live()) apply(config);
 */
export class Live<T> implements AsyncIterable<T> {
  readonly #host: LiveHost;
  readonly #begin: OpenWatch;
  readonly #path: string;
  readonly #recursive: boolean;
  readonly #fold: Fold<T>;
  readonly #listeners = new Listeners<[]>();
  #watch: WatchHandle | null = null;
  #stopState: (() => void) | null = null;
  #state: LiveState<T> = loading;
  /** The snapshot is complete. */
  #complete = false;
  #op = 0;
  /** What is there now is not of this type: until something else is. */
  #misfit: HaretError | null = null;
  #ended: HaretError | null = null;

  /** @internal Made by {@link live}. */
  constructor(parts: LiveParts<T>) {
    this.#host = parts.host;
    this.#begin = parts.watch;
    this.#path = parts.path;
    this.#recursive = parts.recursive;
    this.#fold = parts.fold;
  }

  /** What is known now; another object whenever that changed. */
  get state(): LiveState<T> {
    return this.#state;
  }

  /** Calls `listener` after each change of {@link Live.state}, until the function that is returned is called. */
  subscribe(listener: () => void): () => void {
    const remove = this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (remove() && this.#listeners.size === 0) this.#stop();
    };
  }

  /** Each value, from the first that is known; the latest, when several came between. @throws HaretError when it failed. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return this.values();
  }

  /** The same until `signal` ends it, which is no error. */
  async *values(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<T, void, undefined> {
    const { signal } = options;
    let wake = (): void => undefined;
    let told: unknown = null;
    const woken = (): void => wake();
    const stop = this.subscribe(woken);
    signal?.addEventListener('abort', woken, { once: true });
    try {
      while (signal?.aborted !== true) {
        const { status, value, error } = this.#state;
        if (status === 'failed') throw error;
        // A value that is stale was yielded while it was not.
        if (status === 'live' && told !== this.#told()) {
          told = this.#told();
          yield value;
          continue;
        }
        this.#host.listening(1);
        await new Promise<void>((resolve) => (wake = resolve));
        this.#host.listening(-1);
      }
    } finally {
      signal?.removeEventListener('abort', woken);
      stop();
    }
  }

  /** What tells one value from the next: the same object until something changed, in a box that `undefined` lies in too. */
  #told(): unknown {
    const value: unknown = this.#fold.value();
    return value === undefined ? absent : value;
  }

  #start(): void {
    this.#ended = this.#misfit = null;
    this.#complete = false;
    if (this.#state.status === 'failed') this.#state = loading;
    this.#stopState = this.#host.onState(() => this.#update());
    this.#watch = this.#begin(this.#path, { subtree: this.#recursive, from: 'snapshot', values: true }, (told) =>
      this.#hear(told),
    );
  }

  #stop(): void {
    this.#stopState?.();
    this.#watch?.cancel();
    this.#watch = null;
    this.#state = this.#state.status === 'live' ? { ...this.#state, status: 'stale' } : this.#state;
  }

  #hear(told: WatchTold): void {
    switch (told.kind) {
      case 'begun':
        return;
      case 'progress':
        this.#op = told.op;
        return;
      case 'snapshot':
        if (told.first) this.#fold.clear();
        this.#complete = told.last;
        break;
      case 'event':
        break;
      case 'ended':
        this.#ended = told.error === null ? haretError('Closed', 'the watch ended') : new HaretError(told.error);
        this.#update();
        return;
    }
    try {
      for (const change of told.changes) this.#fold.apply(change);
      this.#misfit = null;
    } catch (error) {
      this.#misfit = asHaretError(error);
    }
    this.#op = told.op;
    this.#update();
  }

  #update(): void {
    const before = this.#state;
    const next = this.#next();
    if (next.status === before.status && next.value === before.value && next.error === before.error) return;
    this.#state = next;
    this.#listeners.emit();
  }

  #next(): LiveState<T> {
    const { value: last } = this.#state;
    const error = this.#ended ?? this.#misfit;
    if (error !== null) return { status: 'failed', value: last, op: this.#op, error };
    // While a snapshot comes in, what was known before is the last whole state.
    if (!this.#complete) return this.#state.status === 'live' ? { ...this.#state, status: 'stale' } : this.#state;
    try {
      const value = this.#fold.value();
      const status = this.#host.state === 'ready' ? 'live' : 'stale';
      return { status, value, op: this.#op, error: undefined };
    } catch (error) {
      return { status: 'failed', value: last, op: this.#op, error: asHaretError(error) };
    }
  }
}

function asHaretError(error: unknown): HaretError {
  if (error instanceof HaretError) return error;
  return haretError('Internal', error instanceof Error ? error.message : String(error));
}

/** Live values that nobody uses any more are looked for when there are so many. */
const livesBeforeSweep = 256;
/** Of each namespace, by type, codec and path. Held by those who are subscribed; here only to be shared. */
const lives = new WeakMap<Executor, Map<string, WeakRef<Live<unknown>>>>();
let lastId = 0;
const ids = new WeakMap<object, number>();

function idOf(object: object): number {
  let id = ids.get(object);
  if (id === undefined) ids.set(object, (id = ++lastId));
  return id;
}

/** Equal for handles that stand for the same node as the same type: what bindings to a framework know a live value by. */
export function liveKey({ path, executor, source }: HasLive<unknown>): string {
  return `${idOf(executor)} ${source.type} ${path}`;
}

/** The value of a handle, kept up to date. Handles of one node, type and codec share it. */
export function live<T>(handle: HasLive<T>): Live<T> {
  const { executor, path, source } = handle;
  const known = lives.get(executor) ?? new Map<string, WeakRef<Live<unknown>>>();
  lives.set(executor, known);
  const key = `${idOf(source.codec)} ${liveKey(handle)}`;
  // The key names type and codec, and so T.
  const shared = known.get(key)?.deref() as Live<T> | undefined;
  if (shared !== undefined) return shared;
  if (known.size % livesBeforeSweep === livesBeforeSweep - 1) {
    for (const [old, one] of known) if (one.deref() === undefined) known.delete(old);
  }
  const parts = { host: executor, watch: watchesOf(executor), path };
  const made = new Live({ ...parts, recursive: source.recursive, fold: source.fold() });
  known.set(key, new WeakRef<Live<unknown>>(made));
  return made;
}
