/**
 * Promises over the client engine, for programs and the SDK. Errors are thrown as HaretError. An AbortSignal abandons a
 * call.
 */

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

/** Turns a call with a callback into a promise. `signal` abandons the call. */
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

/** A {@link Client} whose calls return promises. It shares the engine, and the host of the engine still ticks it. */
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

  /** Measures the round trip, in milliseconds. */
  ping(options: CallOptions = {}): Promise<number> {
    return promised((done) => this.engine.ping(done, options.timeoutMs), options.signal);
  }

  /** Returns the reply, which may have the error of an operation that was executed and failed. */
  execute(operation: Operation, options: ExecuteOptions & CallOptions = {}): Promise<Reply> {
    return promised((done) => this.engine.execute(operation, options, done), options.signal);
  }

  /** Returns only the result. @throws HaretError also when the operation was executed and failed. */
  async run(operation: Operation, options: ExecuteOptions & CallOptions = {}): Promise<OperationResult> {
    return resultOf(await this.execute(operation, options));
  }

  /**
   * Iterates over the changes at `path`, until the iterator is left, `signal` aborts it or the client is closed.
   * @throws HaretError from the iterator, when the watch cannot go on.
   */
  watch(path: string, options: WatchOptions & { readonly signal?: AbortSignal } = {}): WatchStream {
    return new WatchStream((handler) => watch(this.engine, path, options, handler), options.signal);
  }

  close(): void {
    this.engine.close();
  }
}

/** The result in a reply to an operation. @throws HaretError when the reply has an error. */
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
