/**
 * Values that keep themselves up to date. A snapshot and the changes after it are folded into the value of a handle.
 */

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
 * - `loading`: nothing is known yet.
 * - `live`: `value` is the state after `op`, and changes will be told.
 * - `stale`: the connection is lost. `value` was the state after `op`. Changes in the meantime will be told when it is
 *   back.
 * - `failed`: `error` says why, and `value` is the last known one. After a value that its codec refuses, or a node of
 *   another type, the next good value ends the failure. Every other failure is final.
 */
export type LiveState<T> =
  | {
      /** Nothing is known yet. */
      readonly status: 'loading';
      /** No value. */
      readonly value: undefined;
      /** No op. */
      readonly op: 0;
      /** No error. */
      readonly error: undefined;
    }
  | {
      /** The value is known. `stale` means that it may be out of date. */
      readonly status: 'live' | 'stale';
      /** The state after `op`. */
      readonly value: T;
      /** The op number up to which it is known. */
      readonly op: number;
      /** No error. */
      readonly error: undefined;
    }
  | {
      /** The value cannot be known. */
      readonly status: 'failed';
      /** The last known value. */
      readonly value: T | undefined;
      /** The op number up to which it was known. */
      readonly op: number;
      /** The reason. */
      readonly error: HaretError;
    };

/** Folds changes into a value. */
export interface Fold<T> {
  clear(): void;
  apply(change: Change): void;
  /** The value now. It is the same object as long as nothing changed. @throws HaretError BadValue */
  value(): T;
}

/** The source of a live value. */
export interface LiveSource<T> {
  readonly type: NodeType;
  /** The object that decodes values. With another one, the same node has another live value. */
  readonly codec: object;
  /** Whether it includes everything beneath the path. */
  readonly recursive: boolean;
  fold(): Fold<T>;
}

/** A handle that has a live value: of a blob, counter, set, queue or directory. */
export interface HasLive<T> {
  /** Its path. */
  readonly path: string;
  /** @internal */
  readonly executor: Executor;
  /** @internal */
  readonly source: LiveSource<T>;
}

/** The parts of its namespace that a {@link Live} needs. */
export interface LiveHost {
  readonly state: ConnectionState;
  onState(listener: () => void): () => void;
  /** One more (1) or one less (-1) waits to be told something. */
  listening(change: 1 | -1): void;
}

/** The parts of a {@link Live}. */
export interface LiveParts<T> {
  readonly host: LiveHost;
  readonly watch: OpenWatch;
  readonly path: string;
  readonly recursive: boolean;
  readonly fold: Fold<T>;
}

/** Differs from a value that was never looked at. */
const absent = {};
const loading = { status: 'loading', value: undefined, op: 0, error: undefined } as const;

/**
 * A value that follows its node. It watches while it has a subscriber or an iterator. Without them it keeps the last
 * state. When the value changes faster than it is read, states in between are skipped, and an iterator yields the
 * latest.
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
  /** True when the snapshot is complete. */
  #complete = false;
  #op = 0;
  /** The node that exists now has another type. The error holds until that changes. */
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

  /** The present state. It is another object whenever something changed. */
  get state(): LiveState<T> {
    return this.#state;
  }

  /** Calls `listener` after each change of {@link Live.state}, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    const remove = this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      if (remove() && this.#listeners.size === 0) this.#stop();
    };
  }

  /**
   * Yields each value, from the first known one. When several came in between, it yields only the latest.
   * @throws HaretError when the live value has failed.
   */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return this.values();
  }

  /** As the iterator, until `signal` ends it, which is not an error. */
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
        // A stale value was already yielded while it was live.
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

  /** Identifies a value: the same object until something changed. `undefined` has an object of its own. */
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
    // While a snapshot comes in, the last complete state stays the known one.
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

/** Every this many live values, unused ones are looked for. */
const livesBeforeSweep = 256;
/**
 * The live values of each namespace, by type, codec and path. Subscribers hold them. This table only lets handles share
 * them.
 */
const lives = new WeakMap<Executor, Map<string, WeakRef<Live<unknown>>>>();
let lastId = 0;
const ids = new WeakMap<object, number>();

function idOf(object: object): number {
  let id = ids.get(object);
  if (id === undefined) ids.set(object, (id = ++lastId));
  return id;
}

/** Equal for handles of the same node as the same type. Bindings to a framework identify a live value with it. */
export function liveKey({ path, executor, source }: HasLive<unknown>): string {
  return `${idOf(executor)} ${source.type} ${path}`;
}

/** The value of a handle, kept up to date. Handles with the same node, type and codec share it. */
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
