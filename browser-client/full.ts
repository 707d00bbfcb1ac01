/** The complete client: namespaces with methods for handles, transactions, watches, locks and their like. */

import { Barrier } from './claims/barrier.ts';
import { Election } from './claims/election.ts';
import { touch } from './claims/lives.ts';
import { Lock } from './claims/lock.ts';
import { Presence } from './claims/live-presence.ts';
import { Semaphore } from './claims/semaphore.ts';
import type { SemaphoreOptions } from './claims/semaphore.ts';
import { LockManager } from './claims/web-locks.ts';
import { openWith, whenReady } from './connect.ts';
import type { CoreHaret } from './haret.ts';
import type { Codec } from './codecs.ts';
import { Blob, Counter, Directory, Queue, SetHandle } from './kinds/index.ts';
import type { HandleMakers } from './kinds/index.ts';
import { CoreNamespace } from './namespace.ts';
import type { NamespaceParts } from './namespace.ts';
import type { CallOptions, ConnectOptions, Written } from './options.ts';
import { txn } from './txn.ts';
import type { Txn } from './txn.ts';
import { watch } from './watch.ts';
import type { Watch, WatchOptions, WatchUpdate } from './watch.ts';

/** A namespace, in which everything else is. {@link CoreHaret.namespace} makes it. */
export class Namespace extends CoreNamespace implements HandleMakers {
  /** A value. */
  blob<Out, In>(path: string, codec: Codec<Out, In>): Blob<Out, In> {
    return new Blob(this.executor, path, codec);
  }

  /** A first-in, first-out queue. */
  queue<Out, In>(path: string, codec: Codec<Out, In>): Queue<Out, In> {
    return new Queue(this.executor, path, codec);
  }

  /** A set of members. */
  set<Out, In>(path: string, codec: Codec<Out, In>): SetHandle<Out, In> {
    return new SetHandle(this.executor, path, codec);
  }

  /** A whole number. */
  counter(path: string): Counter {
    return new Counter(this.executor, path);
  }

  /** A directory. It also makes handles of nodes beneath it. */
  directory(path = '/'): Directory {
    return new Directory(this.executor, path);
  }

  /** A lock, exclusive or shared. */
  lock(path: string): Lock<this> {
    return new Lock(this, path);
  }

  /** A number of permits. */
  semaphore(path: string, options: SemaphoreOptions = {}): Semaphore<this> {
    return new Semaphore(this, path, options);
  }

  /** A barrier, at which all wait until it is opened. */
  barrier(path: string): Barrier<this> {
    return new Barrier(this, path);
  }

  /** An election of one leader, with a value that everyone sees. */
  election<Out, In>(path: string, codec: Codec<Out, In>): Election<Out, In, this> {
    return new Election(this, path, codec);
  }

  /** A room: who is in it, with data of each. */
  presence<Out, In>(path: string, codec: Codec<Out, In>): Presence<Out, In, this> {
    return new Presence(this, path, codec);
  }

  /** Begins the time to live of a node anew, and changes nothing else. @throws HaretError `BadArgument` if it has none. */
  touch(path: string, options: CallOptions = {}): Promise<Written> {
    return touch(this, path, options);
  }

  /** Locks by name, as `navigator.locks` has them, for all clients of the namespace. */
  get locks(): LockManager<this> {
    return new LockManager(this);
  }

  /**
   * Iterates over everything that is committed at and beneath `path`, in order and each change once, until the loop is
   * left or `signal` ends it.
   */
  watch(path: string, options: WatchOptions & { readonly progress: true }): Watch<WatchUpdate>;
  watch(path: string, options?: WatchOptions): Watch;
  watch(path: string, options: WatchOptions = {}): Watch<WatchUpdate> {
    return watch(this, path, options);
  }

  /** Begins a transaction. */
  txn(): Txn {
    return txn(this);
  }
}

/**
 * A client of a cluster. A program or a page needs only one. {@link connect} or {@link open} makes it. It finds nodes,
 * reconnects after any failure, and never repeats a write whose outcome it does not know.
 */
export interface Haret extends CoreHaret<Namespace> {}

/** Makes the namespaces of `haret`, and of `haret/testing`. */
export const make = (parts: NamespaceParts): Namespace => new Namespace(parts);

/**
 * Makes a client and returns at once, while it looks for a node. Calls wait for the connection.
 * @throws HaretError `BadArgument` for an invalid address.
 */
export function open(options: ConnectOptions): Haret {
  return openWith(options, make);
}

/**
 * Makes a client and waits until a node has answered.
 * @throws HaretError `NodeUnreachable` with the reason, when none answers within `timeoutMs` (default 10,000).
 * `Interrupted` when `signal` aborts.
 *
 * @example
 * const haret = await connect({ urls: 'ws://127.0.0.1:2002' });
 * const greeting = haret.namespace('test-ns').blob('/greeting', text);
 * await greeting.put('hello');
 */
export async function connect(options: ConnectOptions): Promise<Haret> {
  return whenReady(open(options), options);
}
