/**
 * One engine of core/client for one namespace. It gives calls as promises, with abort signals, and enters the namespace
 * when it is needed.
 */

import type { ErrorInfo, Result } from '../core/base/errors.ts';
import { HaretError, MalformedError, haretError } from '../core/base/errors.ts';
import { Client } from '../core/client/client.ts';
import type { ClientOptions, Entered, GivenOptions, Pending } from '../core/client/options.ts';
import type { Reply } from '../core/service/reply.ts';
import type { WatchHandle, WatchTold } from '../core/client/watches.ts';
import { interrupted } from './interrupted.ts';
import type { Asked } from './operations.ts';
import type { CallOptions, Read, ReadOptions } from './options.ts';
import type { Runtime, Ticker } from './runtime.ts';
import { LateWatch } from './late-watch.ts';
import type { BeginWatch } from './late-watch.ts';

export interface ChannelOptions {
  readonly engine: Partial<ClientOptions> & GivenOptions;
  readonly read: Read;
}

export class Channel {
  readonly engine: Client;
  readonly #runtime: Runtime;
  readonly #options: ChannelOptions;
  readonly #ticker: Ticker;
  readonly #stopWake: () => void;
  #namespace: string | null = null;
  #entered: Entered | null = null;
  /** Calls that wait until the namespace is entered, in their order. */
  #held = new Set<() => void>();
  #lastOp = 0;

  constructor(runtime: Runtime, options: ChannelOptions, onState: () => void) {
    this.#runtime = runtime;
    this.#options = options;
    this.engine = new Client(runtime.ports, options.engine);
    this.engine.onState(onState);
    this.#ticker = runtime.drive(this.engine);
    this.#stopWake = runtime.onWake(() => {
      this.engine.recheck();
      this.#ticker.hurry();
    });
    this.engine.start();
  }

  get namespace(): string | null {
    return this.#namespace;
  }

  get entered(): Entered | null {
    return this.#entered;
  }

  /** The highest op number in any answer of the present namespace. */
  get lastOp(): number {
    return this.#lastOp;
  }

  get nowMs(): number {
    return this.#runtime.ports.clock.now();
  }

  /** How many milliseconds a call with these options may take. */
  timeoutOf(options: CallOptions): number {
    return options.timeoutMs ?? this.#options.engine.requestTimeoutMs ?? 10_000;
  }

  /** From now on the channel serves `namespace`, or none. */
  serve(namespace: string | null): void {
    if (namespace === null) this.engine.leave();
    this.#namespace = namespace;
    this.#entered = null;
    this.#held = new Set();
    this.#lastOp = 0;
  }

  close(): void {
    this.#stopWake();
    this.#ticker.stop();
    this.engine.close();
  }

  /** One call of the engine as a promise. */
  call<T>(invoke: (done: (result: Result<T>) => void) => Pending, signal: AbortSignal | undefined): Promise<T> {
    return this.#call(invoke, signal, (value) => value);
  }

  /**
   * As {@link call}, with a function that reads the value and may throw. It is part of the same promise, because each
   * further promise costs a call as much as its frame.
   */
  #call<T, R>(
    invoke: (done: (result: Result<T>) => void) => Pending,
    signal: AbortSignal | undefined,
    read: (value: T) => R,
  ): Promise<R> {
    if (signal?.aborted === true) return Promise.reject(interrupted(signal, 'definite'));
    this.#ticker.hurry();
    return new Promise<R>((resolve, reject) => {
      const refuse = (error: unknown): void => {
        reject(error instanceof MalformedError ? haretError('BadArgument', error.message) : (error as Error));
      };
      let pending: Pending | null = null;
      const abandon = (): void => pending?.abandon();
      this.#runtime.waiting(1);
      try {
        signal?.addEventListener('abort', abandon);
        pending = invoke((result) => {
          this.#runtime.waiting(-1);
          signal?.removeEventListener('abort', abandon);
          try {
            if (result.ok) resolve(read(result.value));
            else refuse(this.#thrown(result.error, signal));
          } catch (error) {
            refuse(error);
          }
        });
      } catch (error) {
        this.#runtime.waiting(-1);
        signal?.removeEventListener('abort', abandon);
        refuse(error);
      }
    });
  }

  enter(options: CallOptions): Promise<Entered> {
    const namespace = this.#namespace;
    if (namespace === null) return Promise.reject(haretError('Closed', 'the namespace was left'));
    return this.#call<Entered, Entered>(
      (done) => this.engine.enter(namespace, done, options.timeoutMs),
      options.signal,
      (entered) => {
        if (this.#namespace !== namespace) throw haretError('Closed', 'the namespace was left');
        this.#entered = entered;
        const held = [...this.#held];
        this.#held.clear();
        for (const go of held) go();
        return entered;
      },
    );
  }

  /** @see Executor */
  run<R, A = never>(make: () => Asked<R>, options: ReadOptions, absent?: readonly [A]): Promise<R | A> {
    return this.#entered === null ? this.#enterAndRun(make, options, absent) : this.#run(make, options, absent);
  }

  /**
   * Begins a watch once the namespace is entered. It waits as long as that takes, because a watch survives everything
   * else too.
   */
  watch(begin: BeginWatch, handler: (told: WatchTold) => void): WatchHandle {
    const open = (): WatchHandle =>
      begin(this.engine, (told) => {
        if (told.kind === 'ended' && told.error?.code === 'UnknownNamespace') this.#entered = null;
        handler(told);
      });
    this.#ticker.hurry();
    return this.#entered === null ? new LateWatch(this.#untilEntered(), open, handler) : open();
  }

  listening(change: 1 | -1): void {
    // What a program takes from a queue here also comes after what it has lost.
    this.engine.look();
    this.#runtime.listening(change);
  }

  /** @see Executor */
  resting(change: 1 | -1): void {
    this.listening(change);
    this.#runtime.waiting(change === 1 ? -1 : 1);
  }

  async #untilEntered(): Promise<{ readonly error: ErrorInfo | null }> {
    while (this.#entered === null) {
      try {
        await this.enter({});
      } catch (error) {
        if (!(error instanceof HaretError)) throw error;
        // A call that is refused because there is no room is refused at once, and would be refused again.
        if (!error.retryable || error.code === 'Overloaded') return { error };
      }
    }
    return { error: null };
  }

  /**
   * All waiting calls go on together when the namespace is entered, in their order, so that they take effect in the
   * order in which they were asked.
   */
  #enterAndRun<R, A>(make: () => Asked<R>, options: ReadOptions, absent?: readonly [A]): Promise<R | A> {
    return new Promise((resolve) => {
      const asked = make();
      const timeoutMs = this.timeoutOf(options);
      const until = this.nowMs + timeoutMs;
      const held = this.#held;
      const go = (): void =>
        resolve(this.#run(() => asked, { ...options, timeoutMs: Math.max(1, until - this.nowMs) }, absent));
      held.add(go);
      const entering = this.enter({ ...options, timeoutMs });
      entering.catch(() => {
        // If the call has gone on already, the outcome of its own `enter` does not matter.
        held.delete(go);
        resolve(entering as Promise<never>);
      });
    });
  }

  #run<R, A>(make: () => Asked<R>, options: ReadOptions, absent?: readonly [A]): Promise<R | A> {
    const { timeoutMs, signal } = options;
    const consistency = options.read ?? this.#options.read;
    let asked: Asked<R>;
    const namespace = this.#namespace;
    return this.#call<Reply, R | A>(
      (done) => {
        asked = make();
        return this.engine.execute(
          asked.operation,
          timeoutMs === undefined ? { consistency } : { consistency, timeoutMs },
          done,
        );
      },
      signal,
      ({ answer, op }) => {
        if (op > this.#lastOp && namespace === this.#namespace) this.#lastOp = op;
        if (answer.kind === 'result') return asked.read(answer.result, op);
        if (answer.kind !== 'error') throw haretError('Internal', `an operation was answered by ${answer.kind}`);
        if (absent !== undefined && answer.error.code === 'PathNotFound') return absent[0];
        throw this.#thrown(answer.error, signal);
      },
    );
  }

  #thrown(error: ErrorInfo, signal: AbortSignal | undefined): HaretError {
    // The namespace was deleted. The next call enters a namespace of the same name, if one exists then.
    if (error.code === 'UnknownNamespace') this.#entered = null;
    if (error.code === 'Interrupted' && signal !== undefined) return interrupted(signal, error.outcome);
    return new HaretError(error);
  }
}
