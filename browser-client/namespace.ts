/**
 * A namespace, in which everything else is. Its connection moves with its primary, independently of other namespaces.
 */

import { haretError } from '../core/base/errors.ts';
import type { HaretError } from '../core/base/errors.ts';
import type { WatchHandle, WatchTold } from '../core/client/watches.ts';
import type { Stat } from '../core/tree/operation.ts';
import type { Channel } from './channel.ts';
import { AnyNode } from './handle.ts';
import type { DeleteOptions, EngineCall, Executor } from './handle.ts';
import type { Asked } from './operations.ts';
import type { CallOptions, ConnectionState, Read, ReadOptions } from './options.ts';
import { LateWatch } from './late-watch.ts';
import type { BeginWatch } from './late-watch.ts';

/**
 * The way from a namespace to its channel, until the namespace is left. After that the channel may serve another
 * namespace.
 */
class NamespaceExecutor implements Executor {
  readonly defaultRead: Read;
  /** The functions that end the open watches. */
  readonly #watches = new Set<() => void>();
  readonly channel: Channel;
  readonly twin: (leaseMs: number) => CoreNamespace;
  left = false;

  constructor(parts: NamespaceParts) {
    this.channel = parts.channel;
    this.defaultRead = parts.defaultRead;
    this.twin = (leaseMs) => parts.twin(leaseMs);
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

  async call<T>(invoke: EngineCall<T>, options: CallOptions): Promise<T> {
    const { channel } = this;
    if (this.left) throw leftError();
    if (channel.entered === null) await channel.enter(options);
    return channel.call((done) => invoke(channel.engine, done), options.signal);
  }

  watch(begin: BeginWatch, handler: (told: WatchTold) => void): WatchHandle {
    if (this.left) return new LateWatch(Promise.resolve({ error: leftError() }), unopened, handler);
    const end = (): void => {
      handle.cancel();
      handler({ kind: 'ended', error: leftError() });
    };
    const handle = this.channel.watch(begin, (told) => {
      if (told.kind === 'ended') this.#watches.delete(end);
      handler(told);
    });
    this.#watches.add(end);
    const cancel = (): void => {
      this.#watches.delete(end);
      handle.cancel();
    };
    return { cancel, pause: () => handle.pause(), resume: () => handle.resume() };
  }

  /** The channel may be used for another namespace, so the watches of this one must end. */
  leave(): void {
    this.left = true;
    for (const end of this.#watches) end();
    this.#watches.clear();
  }

  listening(change: 1 | -1): void {
    this.channel.listening(change);
  }

  resting(change: 1 | -1): void {
    this.channel.resting(change);
  }
}

function leftError(): HaretError {
  return haretError('Closed', 'the namespace was left');
}

function unopened(): never {
  throw haretError('Internal', 'a watch of a namespace that was left');
}

/** The parts of a namespace. */
export interface NamespaceParts {
  readonly name: string;
  readonly channel: Channel;
  readonly defaultRead: Read;
  /** Another connection to the same namespace, with a session of its own. It is left with the namespace. */
  twin(leaseMs: number): CoreNamespace;
  /** Gives the channel back. */
  leave(): void;
}

/**
 * A namespace, in which everything else is. {@link CoreHaret.namespace} makes it. Its contents are reached through
 * functions that take the namespace: `blob`, `queue`, `set`, `counter`, `directory`, `txn`, `watch`.
 */
export class CoreNamespace {
  /** Unique in the cluster. */
  readonly name: string;
  /** @internal The way into the namespace. Modules over a namespace use this and nothing else of it. */
  readonly executor: Executor;
  readonly #executor: NamespaceExecutor;
  readonly #leave: () => void;

  /** @internal Made by {@link CoreHaret.namespace}. */
  constructor(parts: NamespaceParts) {
    this.name = parts.name;
    this.executor = this.#executor = new NamespaceExecutor(parts);
    this.#leave = () => parts.leave();
  }

  /** The state of this namespace's connection. */
  get state(): ConnectionState {
    return this.#executor.state;
  }

  /**
   * The highest op number in any answer, which is the newest state that you have seen. A read `{ atLeast: ns.lastOp }`
   * sees that state at any node.
   */
  get lastOp(): number {
    return this.#executor.channel.lastOp;
  }

  /**
   * The session in which this client writes here: its op number, and whether it continues the session of an earlier
   * process. Null before the first write.
   */
  get session(): {
    /** The op number that registered it. */
    readonly id: number;
    /** True when a process of this ClientID and incarnation had a session before, which ended with this one. */
    readonly continued: boolean;
  } | null {
    if (this.#executor.left) return null;
    const present = this.#executor.channel.engine.namespace;
    if (present === null || present.session === null || present.name !== this.name) return null;
    return { id: present.session, continued: present.continued };
  }

  /**
   * Resolves when the namespace exists and has been entered. Every call also does this by itself.
   * @throws HaretError `UnknownNamespace`
   */
  async ready(options: CallOptions = {}): Promise<void> {
    if (this.#executor.left) throw leftError();
    if (this.#executor.channel.entered === null) await this.#executor.channel.enter(options);
  }

  /** True when a node of any type exists at `path`. */
  exists(path: string, options: ReadOptions = {}): Promise<boolean> {
    return new AnyNode(this.executor, path).exists(options);
  }

  /** The facts about a node of any type. Undefined when it does not exist. */
  stat(path: string, options: ReadOptions = {}): Promise<Stat | undefined> {
    return new AnyNode(this.executor, path).stat(options);
  }

  /** Deletes a node of any type. @returns false when no node existed. */
  delete(path: string, options: DeleteOptions = {}): Promise<boolean> {
    return new AnyNode(this.executor, path).delete(options);
  }

  /** Gives up the namespace's session and connection. Its handles then refuse with `Closed`. */
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
