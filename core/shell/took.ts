/** Takes of the client engine as promises, for the shell. */

import { take } from '../client/takes.ts';
import type { GivenJob, TakeHandle } from '../client/takes.ts';
import type { Client } from '../client/client.ts';
import { HaretError, errorInfo } from '../base/errors.ts';
import type { ErrorInfo, Result } from '../base/errors.ts';
import type { Reply } from '../service/reply.ts';
import type { CallOptions, ShellJob, TakeWish } from './connection.ts';

/** How long it may take until a take is answered. */
const defaultTimeoutMs = 10_000;

class Job implements ShellJob {
  readonly path: string;
  readonly item: number;
  readonly attempts: number;
  readonly receipt: number;
  readonly value: Uint8Array;
  readonly #handle: TakeHandle;
  lost: HaretError | null = null;
  #listeners: ((error: HaretError) => void)[] = [];

  constructor(
    { path, item, attempts, receipt, value }: Pick<ShellJob, 'path' | 'item' | 'attempts' | 'receipt' | 'value'>,
    handle: TakeHandle,
  ) {
    this.path = path;
    this.item = item;
    this.attempts = attempts;
    this.receipt = receipt;
    this.value = value;
    this.#handle = handle;
  }

  onLost(listener: (error: HaretError) => void): void {
    if (this.lost === null) this.#listeners.push(listener);
    else listener(this.lost);
  }

  finish(): void {
    this.#handle.finish(this.item);
    this.end(new HaretError(errorInfo('Closed', 'the job is finished', {}, 'definite')));
  }

  end(error: HaretError): void {
    if (this.lost !== null) return;
    this.lost = error;
    for (const listener of this.#listeners) listener(error);
    this.#listeners = [];
  }
}

type Read = (item: number, receipt: number, done: (result: Result<Reply>) => void) => void;

/** Takes items, and resolves when their values are known. None: there was none within the time. */
export function took(client: Client, wish: TakeWish, { timeoutMs, signal }: CallOptions): Promise<readonly ShellJob[]> {
  const { path } = wish;
  const limitMs = timeoutMs > 0 ? timeoutMs : defaultTimeoutMs;
  const read: Read = (item, receipt, done) =>
    client.execute({ kind: 'queueJob', path, item, receipt }, { timeoutMs: limitMs }, done);
  return new Promise((resolve, reject) => {
    const jobs = new Map<number, Job>();
    const fail = (error: ErrorInfo): void => {
      if (error.code === 'WaitOver') resolve([]);
      else reject(new HaretError(error));
    };
    const abort = (): void => {
      handle.cancel();
      reject(new HaretError(errorInfo('Interrupted', 'interrupted', {}, 'definite')));
    };
    const settled = (): void => signal?.removeEventListener('abort', abort);
    const handle = take(client, wish, { timeoutMs: limitMs, make: false }, (told) => {
      switch (told.kind) {
        case 'waits':
          return;
        case 'nothing':
          settled();
          return resolve([]);
        case 'jobOver':
          return jobs.get(told.item)?.end(new HaretError(told.error));
        case 'ended': {
          settled();
          fail(told.error);
          for (const job of jobs.values()) job.end(new HaretError(told.error));
          return;
        }
        case 'given':
          return gather(told.jobs, told.receipt);
      }
    });
    const gather = (items: readonly GivenJob[], receipt: number): void => {
      let left = items.length;
      const add = (id: number, attempts: number, value: Uint8Array | null): void => {
        if (value !== null) jobs.set(id, new Job({ path, item: id, attempts, receipt, value }, handle));
        if (--left > 0) return;
        settled();
        resolve(items.flatMap(({ item: one }) => jobs.get(one) ?? []));
      };
      for (const { item: id, attempts, value } of items) {
        if (value !== null) add(id, attempts, value);
        else
          read(id, receipt, (result) => {
            const answer = result.ok ? result.value.answer : null;
            const known = answer?.kind === 'result' && answer.result.kind === 'value' ? answer.result.value : null;
            // It was taken back before it could be read.
            if (known === null) handle.finish(id);
            add(id, attempts, known);
          });
      }
    };
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
