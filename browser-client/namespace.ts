/** A namespace: the place of everything. Its connection moves with its primary, apart from those of other namespaces. */

import { haretError } from '../core/base/errors.ts';
import type { HaretError } from '../core/base/errors.ts';
import { isRead } from '../core/tree/reading.ts';
import type { Stat } from '../core/tree/operation.ts';
import { Blob } from './blob.ts';
import type { Channel } from './channel.ts';
import type { Codec } from './codecs.ts';
import { Counter, Directory, Queue, SetHandle } from './collections.ts';
import type { DeleteOptions, Executor } from './handle.ts';
import type { CallOptions, ConnectionState, Read, ReadOptions } from './options.ts';
import { Live } from './live.ts';
import type { Asked } from './operations.ts';
import type { Fold, LiveHost } from './live.ts';
import { Txn } from './txn.ts';
import { LateWatch, Watch } from './watch.ts';
import type { OpenWatch, WatchOptions, WatchUpdate } from './watch.ts';

/** Live values that nobody uses any more are looked for when there are so many. */
const livesBeforeSweep = 256;
let lastCodec = 0;
const codecIds = new WeakMap<object, number>();

function idOf(codec: object): number {
  let id = codecIds.get(codec);
  if (id === undefined) codecIds.set(codec, (id = ++lastCodec));
  return id;
}

/** The namespace's way to its channel, until it is left: then the channel may be another's. */
class NamespaceExecutor implements Executor, LiveHost {
  readonly defaultRead: Read;
  /** Held by those who are subscribed; here only to be shared. */
  readonly #lives = new Map<string, WeakRef<Live<unknown>>>();
  /** What ends each watch that goes on. */
  readonly #watches = new Set<() => void>();
  readonly channel: Channel;
  left = false;

  constructor(channel: Channel, defaultRead: Read) {
    this.channel = channel;
    this.defaultRead = defaultRead;
  }

  get nowMs(): number {
    return this.channel.nowMs;
  }

  timeoutOf(options: CallOptions): number {
    return this.channel.timeoutOf(options);
  }

  get state(): ConnectionState {
    return this.left ? 'closed' : this.channel.engine.state;
  }

  onState(listener: () => void): () => void {
    return this.channel.engine.onState(listener);
  }

  run<R, A = never>(make: () => Asked<R>, options: ReadOptions, absent?: readonly [A]): Promise<R | A> {
    return this.left ? Promise.reject(leftError()) : this.channel.run(make, options, absent);
  }

  readonly watch: OpenWatch = (path, options, handler) => {
    if (this.left) return new LateWatch(Promise.resolve({ error: leftError() }), unopened, handler);
    const end = (): void => {
      handle.cancel();
      handler({ kind: 'ended', error: leftError() });
    };
    const handle = this.channel.watch(path, options, (told) => {
      if (told.kind === 'ended') this.#watches.delete(end);
      handler(told);
    });
    this.#watches.add(end);
    const cancel = (): void => {
      this.#watches.delete(end);
      handle.cancel();
    };
    return { cancel, pause: () => handle.pause(), resume: () => handle.resume() };
  };

  /** The channel may go on, for another namespace: what is watched here ends by itself. */
  leave(): void {
    this.left = true;
    for (const end of this.#watches) end();
    this.#watches.clear();
  }

  listening(change: 1 | -1): void {
    this.channel.listening(change);
  }

  keyOf(type: string, path: string): string {
    return `${idOf(this)} ${type} ${path}`;
  }

  live<T>(name: string, codec: object, path: string, recursive: boolean, fold: () => Fold<T>): Live<T> {
    const key = `${idOf(codec)} ${name}`;
    // The key names type and codec, and so T.
    const known = this.#lives.get(key)?.deref() as Live<T> | undefined;
    if (known !== undefined) return known;
    if (this.#lives.size % livesBeforeSweep === livesBeforeSweep - 1) {
      for (const [old, live] of this.#lives) if (live.deref() === undefined) this.#lives.delete(old);
    }
    const live = new Live(this, path, recursive, fold());
    this.#lives.set(key, new WeakRef<Live<unknown>>(live));
    return live;
  }
}

function leftError(): HaretError {
  return haretError('Closed', 'the namespace was left');
}

function unopened(): never {
  throw haretError('Internal', 'a watch of a namespace that was left');
}

/** A namespace: the place of everything. Made by {@link Haret.namespace}. */
export class Namespace {
  /** Unique in the cluster. */
  readonly name: string;
  readonly #executor: NamespaceExecutor;
  readonly #leave: () => void;

  /** @internal Made by {@link Haret.namespace}. */
  constructor(name: string, channel: Channel, defaultRead: Read, leave: () => void) {
    this.name = name;
    this.#executor = new NamespaceExecutor(channel, defaultRead);
    this.#leave = leave;
  }

  /** The state of this namespace's connection. */
  get state(): ConnectionState {
    return this.#executor.state;
  }

  /** The highest op number that an answer told of: what you have seen. `{ atLeast: ns.lastOp }` sees it from anywhere. */
  get lastOp(): number {
    return this.#executor.channel.lastOp;
  }

  /**
   * The session in which this client writes here: its op number, and whether it came in the place of an earlier process's. Null before the
   * first write.
   */
  get session(): {
    /** The op number that registered it. */
    readonly id: number;
    /** A process of this ClientID and incarnation had one before, which ended with this one. */
    readonly continued: boolean;
  } | null {
    if (this.#executor.left) return null;
    const present = this.#executor.channel.engine.namespace;
    if (present === null || present.session === null || present.name !== this.name) return null;
    return { id: present.session, continued: present.continued };
  }

  /** Resolves when the namespace is there and has been entered; every call does that by itself. @throws HaretError `UnknownNamespace` */
  async ready(options: CallOptions = {}): Promise<void> {
    if (this.#executor.left) throw leftError();
    if (this.#executor.channel.entered === null) await this.#executor.channel.enter(options);
  }

  /** A value. */
  blob<Out, In>(path: string, codec: Codec<Out, In>): Blob<Out, In> {
    return new Blob(this.#executor, path, codec);
  }

  /** A first-in, first-out queue. */
  queue<Out, In>(path: string, codec: Codec<Out, In>): Queue<Out, In> {
    return new Queue(this.#executor, path, codec);
  }

  /** A set of members. */
  set<Out, In>(path: string, codec: Codec<Out, In>): SetHandle<Out, In> {
    return new SetHandle(this.#executor, path, codec);
  }

  /** A whole number. */
  counter(path: string): Counter {
    return new Counter(this.#executor, path);
  }

  /** A directory, and a place to make handles beneath. */
  directory(path = '/'): Directory {
    return new Directory(this.#executor, path);
  }

  /** Of a node of any type: is it there? */
  exists(path: string, options: ReadOptions = {}): Promise<boolean> {
    return new Directory(this.#executor, path).exists(options);
  }

  /** Of a node of any type; undefined when it is not there. */
  stat(path: string, options: ReadOptions = {}): Promise<Stat | undefined> {
    return new Directory(this.#executor, path).stat(options);
  }

  /** Deletes a node of any type. @returns false when there was nothing to delete. */
  delete(path: string, options: DeleteOptions = {}): Promise<boolean> {
    return new Directory(this.#executor, path).delete(options);
  }

  /** What is committed at and beneath `path`, in order, each change once, until the loop is left or `signal` ends it. */
  watch(path: string, options: WatchOptions & { readonly progress: true }): Watch<WatchUpdate>;
  watch(path: string, options?: WatchOptions): Watch;
  watch(path: string, options: WatchOptions = {}): Watch<WatchUpdate> {
    const read = options.read ?? this.#executor.defaultRead;
    return new Watch(this.#executor.watch, (change) => this.#executor.listening(change), path, { ...options, read });
  }

  /** Begins a transaction. */
  txn(): Txn {
    return new Txn(
      (transaction, options) => {
        const read = isRead(transaction.operation) ? { read: this.#executor.defaultRead } : {};
        return this.#executor.run(() => transaction, { ...options, ...read });
      },
      [],
      [],
      [],
    );
  }

  /** Gives up the namespace's session and connection. Handles of it then refuse with `Closed`. */
  leave(): void {
    if (this.#executor.left) return;
    this.#executor.leave();
    this.#leave();
  }

  /** For `using`: {@link leave}. */
  [Symbol.dispose](): void {
    this.leave();
  }
}
