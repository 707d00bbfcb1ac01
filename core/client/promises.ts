/** Promises over the client engine, for programs and the SDK. An error is thrown as a HaretError; an AbortSignal abandons. */

import type { Result } from '../base/errors.ts';
import { HaretError } from '../base/errors.ts';
import type { Reply } from '../service/reply.ts';
import type { Operation, OperationResult } from '../tree/operation.ts';
import type { Client } from './client.ts';
import type { Entered, ExecuteOptions, Pending } from './options.ts';
import { WatchStream } from './watch-stream.ts';
import { watch } from './watches.ts';
import type { WatchOptions } from './watches.ts';

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Turns a call with a callback into a promise; `signal` abandons it. */
export function promised<T>(call: (done: (result: Result<T>) => void) => Pending, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = (): void => {
      pending.abandon();
    };
    const pending = call((result) => {
      signal?.removeEventListener('abort', abandon);
      if (result.ok) resolve(result.value);
      else reject(new HaretError(result.error));
    });
    if (signal === undefined) return;
    if (signal.aborted) abandon();
    else signal.addEventListener('abort', abandon, { once: true });
  });
}

/** A {@link Client} whose calls return promises. The engine below is shared, and its host still ticks it. */
export class PromiseClient {
  readonly engine: Client;

  constructor(engine: Client) {
    this.engine = engine;
  }

  /** Resolves when a node answers. @throws HaretError that says why none could be reached. */
  async connected(options: CallOptions = {}): Promise<void> {
    await promised<null>((done) => this.engine.connected(done, options.timeoutMs), options.signal);
  }

  listNamespaces(options: CallOptions = {}): Promise<readonly string[]> {
    return promised((done) => this.engine.listNamespaces(done, options.timeoutMs), options.signal);
  }

  enter(namespace: string, options: CallOptions = {}): Promise<Entered> {
    return promised((done) => this.engine.enter(namespace, done, options.timeoutMs), options.signal);
  }

  /** The time there and back, in milliseconds. */
  ping(options: CallOptions = {}): Promise<number> {
    return promised((done) => this.engine.ping(done, options.timeoutMs), options.signal);
  }

  /** The reply, which may hold the error of an operation that was executed and failed. */
  execute(operation: Operation, options: ExecuteOptions & CallOptions = {}): Promise<Reply> {
    return promised((done) => this.engine.execute(operation, options, done), options.signal);
  }

  /** The result alone. @throws HaretError also when the operation was executed and failed. */
  async run(operation: Operation, options: ExecuteOptions & CallOptions = {}): Promise<OperationResult> {
    return resultOf(await this.execute(operation, options));
  }

  /**
   * What happens at `path`, until the iterator is left, `signal` aborts it or the client is closed.
   * @throws HaretError from the iterator, when the watch cannot go on.
   */
  watch(path: string, options: WatchOptions & { readonly signal?: AbortSignal } = {}): WatchStream {
    return new WatchStream((handler) => watch(this.engine, path, options, handler), options.signal);
  }

  close(): void {
    this.engine.close();
  }
}

/** What a reply to an operation holds. @throws HaretError when that is an error. */
export function resultOf(reply: Reply): OperationResult {
  const { answer } = reply;
  if (answer.kind === 'result') return answer.result;
  if (answer.kind === 'error') throw new HaretError(answer.error);
  throw new HaretError({
    code: 'Internal',
    message: `an operation was answered by ${answer.kind}`,
    retryable: false,
    outcome: 'unknown',
    details: {},
  });
}
