/**
 * The client. A program or a page needs only one. It has a connection for each namespace that is used, because each
 * namespace has its own primary.
 */

import { HaretError, errorInfo, haretError } from '../core/base/errors.ts';
import { isName } from '../core/base/ids.ts';
import type { ClientState } from '../core/client/options.ts';
import { Channel } from './channel.ts';
import type { ChannelOptions } from './channel.ts';
import { Listeners } from './events.ts';
import { interrupted } from './interrupted.ts';
import type { CoreNamespace, NamespaceParts } from './namespace.ts';
import type { CallOptions, ConnectionState, Identity, Problem } from './options.ts';
import type { Runtime } from './runtime.ts';

/** The states in the order of severity. With several connections, the worst state is that of the client. */
const severity: readonly ClientState[] = ['ready', 'connecting', 'suspended', 'lost', 'closed'];

/** The node to which a client is connected. */
export interface ServerInfo {
  /** Its address. */
  readonly address: string;
  /** Its name. */
  readonly node: string;
  /** The id of its cluster. */
  readonly cluster: string;
}

interface Member<N> {
  readonly channel: Channel;
  readonly namespace: N;
}

/** Makes the namespaces of a client. An entry point decides their class, and so which code comes with them. */
export type MakeNamespace<N extends CoreNamespace> = (parts: NamespaceParts) => N;

/**
 * A client of a cluster. A program or a page needs only one. {@link connect} or {@link open} makes it. It finds nodes,
 * reconnects after any failure, and never repeats a write whose outcome it does not know.
 */
export class CoreHaret<N extends CoreNamespace = CoreNamespace> {
  readonly #runtime: Runtime;
  readonly #options: ChannelOptions;
  /** The first connection. It exists before any namespace is used, and then serves the first one. */
  readonly #home: Channel;
  readonly #members = new Map<string, Member<N>>();
  readonly #stateListeners = new Listeners<[ConnectionState, Problem | null]>();
  readonly #make: MakeNamespace<N>;
  #state: ConnectionState = 'connecting';
  #twins = 0;
  #closed = false;

  /** @internal Made by {@link connect} and {@link open}. */
  constructor(runtime: Runtime, options: ChannelOptions, make: MakeNamespace<N>) {
    this.#make = make;
    this.#runtime = runtime;
    this.#options = options;
    this.#home = this.#channel(options);
  }

  /** The worst state among its connections. */
  get state(): ConnectionState {
    return this.#state;
  }

  /**
   * The ClientID and incarnation of this client, with which a later process can continue in its place. Null without a
   * ClientID.
   */
  get identity(): Identity | null {
    return this.#options.engine.identity ?? null;
  }

  /** Why the last connection failed or ended. Null when none did. */
  get problem(): Problem | null {
    return this.#home.engine.problem;
  }

  /** The node of the first connection. Null while it is not connected. */
  get server(): ServerInfo | null {
    const { server } = this.#home.engine;
    return server === null ? null : { address: server.address, node: server.node, cluster: server.cluster };
  }

  /** Calls `listener` at each change of state, with the last problem. The returned function ends this. */
  on(_event: 'state', listener: (state: ConnectionState, problem: Problem | null) => void): () => void {
    // An earlier listener may have changed the state again. Listeners are told of that separately.
    return this.#stateListeners.add((state, problem) => {
      if (state === this.#state) listener(state, problem);
    });
  }

  /** Resolves when a node answers. @throws HaretError with the reason why none could be reached. */
  async ready(options: CallOptions = {}): Promise<void> {
    if (this.#home.engine.state === 'ready') return;
    const { signal, timeoutMs } = options;
    try {
      await this.#home.call<null>((done) => this.#home.engine.connected(done, timeoutMs), signal);
    } catch (error) {
      // Whatever ended the wait, the engine reports why there is no node yet.
      throw signal?.aborted === true ? interrupted(signal, 'definite') : error;
    }
  }

  /**
   * A namespace, by name. It is entered when it is first used, so this asks nothing of the cluster. The same name gives
   * the same object.
   * @throws HaretError `BadName`
   */
  namespace(name: string): N {
    if (this.#closed) throw haretError('Closed', 'the client was closed');
    const known = this.#members.get(name);
    if (known !== undefined) return known.namespace;
    if (!isName(name)) throw haretError('BadName', `not a name of a namespace: ${name}`);
    return this.#join(name, name, this.#home.namespace === null ? this.#home : this.#channel(this.#options));
  }

  /** @param key the name, or for a twin the name and a number. */
  #join(key: string, name: string, channel: Channel): N {
    channel.serve(name);
    const defaultRead = this.#options.read;
    const twin = (leaseMs: number): N => {
      const { identity: own } = this;
      // A ClientID has one session, which is that of the namespace itself. Another process with the same lease goes on
      // with this one.
      const engine = { ...this.#options.engine, identity: own && { ...own, id: `${own.id} ${leaseMs}` } };
      return this.#join(`${name} ${++this.#twins}`, name, this.#channel({ ...this.#options, engine }));
    };
    const namespace = this.#make({ name, channel, defaultRead, twin, leave: () => this.#left(key) });
    this.#members.set(key, { channel, namespace });
    return namespace;
  }

  /** The names of all namespaces, sorted. */
  async namespaces(options: CallOptions = {}): Promise<readonly string[]> {
    const { engine } = this.#home;
    return this.#home.call((done) => engine.listNamespaces(done, options.timeoutMs), options.signal);
  }

  /** Measures the round trip, in milliseconds. */
  ping(options: CallOptions = {}): Promise<number> {
    return this.#home.call<number>((done) => this.#home.engine.ping(done, options.timeoutMs), options.signal);
  }

  /**
   * Gives the sessions back and closes. Calls that are under way end with `Closed`, whose `outcome` says whether they
   * may have been executed. Resolves when the last messages have left.
   */
  async close(): Promise<void> {
    if (this.#closed) return this.#runtime.drained();
    this.#closed = true;
    for (const channel of this.#channels()) channel.close();
    this.#stateChanged();
    await this.#runtime.drained();
  }

  /** For `await using`: {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #channel(options: ChannelOptions): Channel {
    return new Channel(this.#runtime, options, () => this.#stateChanged());
  }

  #channels(): Set<Channel> {
    return new Set([this.#home, ...[...this.#members.values()].map(({ channel }) => channel)]);
  }

  #left(key: string): void {
    const member = this.#members.get(key);
    this.#members.delete(key);
    // No name has a space.
    for (const [twin, { namespace }] of this.#members) if (twin.startsWith(`${key} `)) namespace.leave();
    if (member === undefined) return;
    if (member.channel === this.#home) this.#home.serve(null);
    else member.channel.close();
    this.#stateChanged();
  }

  #stateChanged(): void {
    let worst: ConnectionState = this.#closed ? 'closed' : 'ready';
    let problem: Problem | null = null;
    for (const { engine } of this.#channels()) {
      if (severity.indexOf(engine.state) <= severity.indexOf(worst) || this.#closed) continue;
      worst = engine.state;
      problem = engine.problem;
    }
    if (worst === this.#state) return;
    this.#state = worst;
    this.#stateListeners.emit(worst, problem);
  }
}

/** The error that `connect` throws when no node answered: the addresses that it tried, and the last reason. */
export function unreachable(haret: CoreHaret, urls: readonly string[], error: unknown): HaretError {
  if (error instanceof HaretError && error.code !== 'Timeout' && error.code !== 'NodeUnreachable') {
    return error;
  }
  const reason = haret.problem?.error.message ?? 'no answer';
  const where = urls.join(', ');
  return new HaretError(errorInfo('NodeUnreachable', `no node answered at ${where}: ${reason}`, { address: where }), {
    cause: error,
  });
}
