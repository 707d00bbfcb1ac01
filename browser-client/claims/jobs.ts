/** Work queues: items are taken as jobs, and come back unless they are acknowledged (coordination §11). */

import type { ErrorInfo } from '../../core/base/errors.ts';
import { HaretError, fail, ok } from '../../core/base/errors.ts';
import { take } from '../../core/client/takes.ts';
import type { GivenJob, TakeHandle } from '../../core/client/takes.ts';
import type { ItemState } from '../../core/tree/names.ts';
import { decode, encode } from '../codecs.ts';
import type { Codec } from '../codecs.ts';
import { Handle, nothing } from '../handle.ts';
import type { CoreNamespace } from '../namespace.ts';
import { NodeGuards, NodeOps, number, opOf, upsertOf, written } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, ReadOptions, Written } from '../options.ts';
import { bounded, leaseOf, withLease } from './hold.ts';
import type { WaitOptions } from './hold.ts';
import { Job, jobOp, maxDelayMs, maxVisibilityMs, minVisibilityMs } from './job.ts';

const defaultVisibilityMs = 30_000;
const maxTake = 100;
const maxShown = 1000;
const defaultDedupMs = 300_000;
const maxWaitMs = 2_592_000_000;

/** Options of {@link JobQueue.put}. */
export interface JobOptions {
  /** 0 to 9. Items of a higher priority are taken first. Default 0. */
  readonly priority?: number | undefined;
  /** It can be taken only after so many milliseconds. */
  readonly delayMs?: number | undefined;
  /** Put it once under this id, of at most 128 bytes. */
  readonly dedup?: string | undefined;
  /** For how long after the first put of that id. Default 300,000 milliseconds; 1,000 to 86,400,000. */
  readonly dedupMs?: number | undefined;
}

/** What was put into a queue. */
export interface PutJob extends Written {
  /** The number of the item in its queue. */
  readonly item: number;
  /** True when an item was put under this id before. It is that item's number, whatever became of it. */
  readonly duplicate: boolean;
}

/** Options of {@link JobQueue.take} and of what takes by itself. */
export interface TakeOptions extends WaitOptions {
  /**
   * For how many milliseconds a job is this program's. The client extends that until the job is settled. So it is the
   * time after which another one gets the job of a program that is stuck. Default 30,000; 1,000 to 86,400,000.
   */
  readonly visibilityMs?: number | undefined;
}

/** Options of {@link JobQueue.consume} and {@link JobQueue.work}. */
export interface ConsumeOptions extends Omit<TakeOptions, 'waitMs'> {
  /** How many jobs it has at a time that are not settled. Default 1. */
  readonly concurrency?: number | undefined;
}

/** How many items a queue has, and its settings. */
export interface QueueInfo {
  /** Items that wait. */
  readonly waiting: number;
  /** Items that wait only later. */
  readonly delayed: number;
  /** Jobs. */
  readonly taken: number;
  /** Items that failed too often. */
  readonly dead: number;
  /** Takes that wait for items. */
  readonly takers: number;
  /** Dead items that were dropped because there were too many. */
  readonly dropped: number;
  /** After so many attempts, an item is dead. 0: never. */
  readonly maxAttempts: number;
  /** So many dead items are kept. */
  readonly maxDead: number;
}

/** An item of a queue that does not wait. */
export interface QueueItem<Out> {
  /** Its number. */
  readonly id: number;
  /** The item. */
  readonly value: Out;
  /** Higher ones come first. */
  readonly priority: number;
  /** How often it was taken. */
  readonly attempts: number;
  /** Whose job it is. Undefined for what is not taken. */
  readonly session: number | undefined;
  /** The name of that session's client. */
  readonly client: string;
  /** How far the job is, or why the item is dead. */
  readonly note: string | undefined;
}

/** Operations of a work queue, for transactions. */
export class JobQueueOps<In> extends NodeOps {
  readonly #codec: Codec<unknown, In>;

  constructor(path: string, codec: Codec<unknown, In>) {
    super(path);
    this.#codec = codec;
  }

  /** Fails with `PathExists` where a node exists. */
  create(): Op<Written> {
    return this.make('queue', null);
  }

  /** Adds an item. Fails with `PathNotFound` where no queue exists. */
  put(item: In, { priority = 0, delayMs = 0, dedup, dedupMs = defaultDedupMs }: JobOptions = {}): Op<PutJob> {
    const { path } = this;
    const once =
      dedup === undefined ? null : { id: dedup, ms: bounded('dedupMs', dedupMs, minVisibilityMs, maxVisibilityMs) };
    const operation = {
      kind: 'queuePut',
      path,
      value: encode(this.#codec, item, path),
      priority: bounded('priority', priority, 0, 9),
      delayMs: bounded('delayMs', delayMs, 0, maxDelayMs),
      dedup: once,
    } as const;
    return jobOp(operation, 'put', ({ item: id, duplicate, version }, op) => ({ item: id, duplicate, version, op }));
  }
}

/** What one take gave. */
interface Taken<Out> {
  readonly handle: TakeHandle;
  readonly jobs: readonly Job<Out>[];
}

/** A queue whose items are taken as jobs. It is the same node as a `queue`, whose items wait to be popped. */
export class JobQueue<Out, In = Out, N extends CoreNamespace = CoreNamespace> extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: JobQueueOps<In>;
  /** Its conditions, for transactions. */
  readonly guard: NodeGuards;
  readonly #namespace: N;
  readonly #codec: Codec<Out, In>;

  constructor(namespace: N, path: string, codec: Codec<Out, In>) {
    super(namespace.executor, path);
    this.#namespace = namespace;
    this.#codec = codec;
    this.op = new JobQueueOps(path, codec);
    this.guard = new NodeGuards(path);
  }

  /** @throws HaretError `PathExists` */
  create(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(), options);
  }

  /** Adds an item. Makes the queue if it is missing. */
  put(item: In, options: JobOptions & CallOptions = {}): Promise<PutJob> {
    return this.executor.run(() => upsertOf(this.op.put(item, options)), options);
  }

  /** How many items it has, and its settings. Undefined when it does not exist. */
  info(options: ReadOptions = {}): Promise<QueueInfo | undefined> {
    return this.executor.run(
      () =>
        jobOp(
          { kind: 'queueInfo', path: this.path },
          'queueInfo',
          ({ kind: _, version: __, ...info }): QueueInfo => info,
        ),
      options,
      nothing,
    );
  }

  /** Its first items that are taken, delayed or dead, up to 1,000 of them. Those that died first come first. */
  items(state: ItemState, options: ReadOptions = {}): Promise<readonly QueueItem<Out>[]> {
    return this.executor.run(
      () =>
        jobOp({ kind: 'queueItems', path: this.path, state, limit: maxShown, from: 0 }, 'items', ({ items }) =>
          items.map(({ id, value, priority, attempts, session, client, note }) => ({
            id,
            value: decode(this.#codec, value, this.path),
            priority,
            attempts,
            session: session === 0 ? undefined : session,
            client,
            note: note === '' ? undefined : note,
          })),
        ),
      options,
      [[]],
    );
  }

  /** Changes its settings. Makes it if it is missing. */
  configure({
    maxAttempts,
    maxDead,
    ...options
  }: Partial<Pick<QueueInfo, 'maxAttempts' | 'maxDead'>> & CallOptions): Promise<Written> {
    const operation = {
      kind: 'queueConfigure',
      path: this.path,
      maxAttempts: maxAttempts === undefined ? null : bounded('maxAttempts', maxAttempts, 0, 1_000_000),
      maxDead: maxDead === undefined ? null : bounded('maxDead', maxDead, 0, 100_000),
    } as const;
    return this.executor.run(() => upsertOf(opOf(operation, 'done', written)), options);
  }

  /** Has a dead item wait again as if it were new, or without a number up to 1,000 of them. @returns how many. */
  retry(item?: number, options: CallOptions = {}): Promise<number> {
    return this.#raise(item ?? 0, false, options);
  }

  /** Drops a dead item, or without a number up to 1,000 of them. @returns how many. */
  drop(item?: number, options: CallOptions = {}): Promise<number> {
    return this.#raise(item ?? 0, true, options);
  }

  #raise(item: number, drop: boolean, options: CallOptions): Promise<number> {
    return this.executor.run(
      () => opOf({ kind: 'queueDead', path: this.path, item, drop }, 'number', number),
      options,
      [0],
    );
  }

  /**
   * Takes up to `max` items, 1 unless given, as soon as there is any. Where there is none it waits, and makes the queue
   * if it is missing. @returns none when there was none within `waitMs`.
   * @throws HaretError `Interrupted` when `signal` aborts. `Lost` if the session ended before it was given anything.
   */
  async take({ max = 1, ...options }: TakeOptions & { readonly max?: number | undefined } = {}): Promise<
    readonly Job<Out>[]
  > {
    return (await this.#take(bounded('max', max, 1, maxTake), options, () => undefined)).jobs;
  }

  /**
   * Takes an item, acknowledges it, and only then returns it. So it is never lost with a message, nor twice in two hands.
   * @returns undefined when there was none within `waitMs`, which is 0 unless given: it is then as a pop.
   */
  async pop({ waitMs = 0, ...options }: WaitOptions = {}): Promise<Out | undefined> {
    const until = this.executor.nowMs + waitMs;
    for (let left = waitMs; ; left = Math.max(0, until - this.executor.nowMs)) {
      const [job] = await this.take({ ...options, waitMs: left });
      if (job === undefined) return undefined;
      if (await job.ack(options)) return job.value;
    }
  }

  /**
   * Yields jobs as there are, until the loop is left or `signal` ends it. It has at most `concurrency` jobs at a time that
   * are not settled, so with more than 1 the loop must not await the work itself. With 1, a job that is not settled
   * when the loop asks for the next one, or is left, is given back as failed.
   *
   * @example
   * for await (const job of jobs(ns, '/mails', json<Mail>()).consume({ signal })) {
   *   await send(job.value, { signal: job.signal });
   *   await job.ack();
   * }
   */
  consume(options: ConsumeOptions = {}): AsyncGenerator<Job<Out>, void, undefined> {
    return this.#consume(options, (options.concurrency ?? 1) === 1);
  }

  /**
   * Works on jobs until `signal` aborts, `concurrency` at a time. A job is acknowledged when `work` has returned, and given
   * back with the reason when it has thrown. Resolves when the last one is done.
   */
  async work(work: (job: Job<Out>) => unknown, options: ConsumeOptions = {}): Promise<void> {
    const running = new Set<Promise<void>>();
    try {
      for await (const job of this.#consume(options, false)) {
        const one = this.#workOn(job, work).finally(() => running.delete(one));
        running.add(one);
      }
    } finally {
      await Promise.all(running);
    }
  }

  async #workOn(job: Job<Out>, work: (job: Job<Out>) => unknown): Promise<void> {
    try {
      try {
        await work(job);
      } catch (error) {
        const reason = (error instanceof Error ? error.message : String(error)).slice(0, 300);
        if (!job.settled) await job.nack({ reason });
        return;
      }
      if (!job.settled) await job.ack();
    } catch (error) {
      // It comes back when its time is over.
      if (!(error instanceof HaretError)) throw error;
    }
  }

  async *#consume(options: ConsumeOptions, sequential: boolean): AsyncGenerator<Job<Out>, void, undefined> {
    const { concurrency = 1, signal, ...more } = options;
    bounded('concurrency', concurrency, 1, 10_000);
    const inHand = new Set<Job<Out>>();
    let wake = (): void => undefined;
    const woken = (): void => wake();
    const over = (job: Job<Out>): void => {
      if (inHand.delete(job)) woken();
    };
    let taken: Taken<Out> | null = null;
    let waiting: Job<Out>[] = [];
    signal?.addEventListener('abort', woken);
    try {
      for (;;) {
        if (sequential) for (const job of inHand) await giveBack(job);
        while (inHand.size >= concurrency && signal?.aborted !== true)
          await new Promise<void>((resolve) => (wake = resolve));
        if (signal?.aborted === true) return;
        if (waiting.length === 0) {
          const max = Math.min(maxTake, concurrency - inHand.size);
          taken = await this.#takeAgain(max, { ...more, signal }, over);
          if (taken === null) return;
          waiting = [...taken.jobs];
        }
        const job = waiting.shift();
        if (job === undefined || !job.held) continue;
        inHand.add(job);
        yield job;
      }
    } finally {
      signal?.removeEventListener('abort', woken);
      if (sequential) for (const job of inHand) await giveBack(job);
      // Nobody has begun with these, so their attempt does not count.
      if (waiting.length > 0 && inHand.size === 0) taken?.handle.cancel();
      else for (const job of waiting) await giveBack(job, 0);
    }
  }

  /** Takes until there is something, whatever comes in between. Null: `signal` has ended it. */
  async #takeAgain(max: number, options: TakeOptions, over: (job: Job<Out>) => void): Promise<Taken<Out> | null> {
    for (;;) {
      try {
        const taken = await this.#take(max, options, over);
        if (taken.jobs.length > 0) return taken;
      } catch (error) {
        if (options.signal?.aborted === true) return null;
        const passing = error instanceof HaretError && (error.code === 'Lost' || error.code === 'Timeout');
        if (!passing) throw error;
      }
    }
  }

  async #take(max: number, options: TakeOptions, over: (job: Job<Out>) => void): Promise<Taken<Out>> {
    const namespace = withLease(this.#namespace, options.leaseMs);
    const { executor } = namespace;
    const { path } = this;
    const waitMs = options.waitMs === undefined ? null : bounded('waitMs', options.waitMs, 0, maxWaitMs);
    const visibilityMs = bounded(
      'visibilityMs',
      options.visibilityMs ?? defaultVisibilityMs,
      minVisibilityMs,
      maxVisibilityMs,
    );
    const wish = { kind: 'queueTake', path, max, visibilityMs, waitMs, leaseMs: leaseOf(namespace.executor) } as const;
    const jobs = new Map<number, Job<Out>>();
    let answered = false;
    const lose = (error: ErrorInfo): void => {
      for (const job of jobs.values()) job.lose(error);
    };
    let handle = null as TakeHandle | null;
    const given = await executor.call<{ readonly receipt: number; readonly jobs: readonly GivenJob[] } | null>(
      (engine, done) => {
        let resting = false;
        const wake = (): void => {
          if (resting) executor.resting(-1);
          resting = false;
        };
        const made = take(engine, wish, { timeoutMs: executor.timeoutOf(options), make: waitMs !== 0 }, (told) => {
          if (told.kind === 'waits') {
            // A wait with a limit ends in any case.
            resting = waitMs === null;
            if (resting) executor.resting(1);
            return;
          }
          if (told.kind === 'jobOver') return jobs.get(told.item)?.lose(told.error);
          wake();
          if (told.kind === 'given') {
            answered = true;
            return done(ok(told));
          }
          if (told.kind !== 'ended') return done(ok(null));
          const { error } = told;
          if (answered) return lose(error);
          if (error.code === 'WaitOver' || (waitMs === 0 && error.code === 'PathNotFound')) done(ok(null));
          else done({ ok: false, error });
        });
        handle = made;
        const abandon = (): void => {
          if (answered) return;
          // What was given at the same moment is given up with it.
          made.cancel();
          wake();
          done(fail('Interrupted', 'the call was abandoned', {}, 'definite'));
        };
        return { abandon };
      },
      options,
    );
    const own = handle!;
    if (given === null) return { handle: own, jobs: [] };
    const { receipt } = given;
    const read = async (item: number): Promise<Uint8Array | null> => {
      try {
        const asked = opOf({ kind: 'queueJob', path, item, receipt }, 'value', ({ value }) => value);
        return await executor.run(() => asked, {});
      } catch (error) {
        // It was taken back, or comes back when its time is over.
        own.finish(item);
        if (error instanceof HaretError) return null;
        throw error;
      }
    };
    const values = await Promise.all(given.jobs.map(async ({ item, value }) => value ?? (await read(item))));
    for (const [index, { item: id, attempts }] of given.jobs.entries()) {
      const bytes = values[index] ?? null;
      if (bytes === null || !own.has(id)) continue;
      const job: Job<Out> = new Job({
        executor,
        handle: own,
        path,
        receipt,
        item: id,
        attempt: attempts,
        decode: () => decode(this.#codec, bytes, path),
        over: () => over(job),
      });
      jobs.set(id, job);
    }
    return { handle: own, jobs: [...jobs.values()] };
  }
}

async function giveBack(job: Job<unknown>, delayMs?: number): Promise<void> {
  if (job.settled) return;
  try {
    await job.nack({ delayMs, reason: 'it was not acknowledged' });
  } catch (error) {
    // It comes back when its time is over.
    if (!(error instanceof HaretError)) throw error;
  }
}

/** A work queue in `namespace`. To make the handle asks nothing of the cluster. */
export function jobs<Out, In = Out, N extends CoreNamespace = CoreNamespace>(
  namespace: N,
  path: string,
  codec: Codec<Out, In>,
): JobQueue<Out, In, N> {
  return new JobQueue(namespace, path, codec);
}
