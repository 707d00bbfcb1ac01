/** Work queues over a simulated cluster, as users test with them (coordination §11). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Haret, Namespace } from '../../browser-client/index.ts';
import { HaretError, text } from '../../browser-client/index.ts';
import { jobs } from '../../browser-client/coordination.ts';
import type { Job } from '../../browser-client/coordination.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';
import { endOf } from './ends.ts';

let cluster: SimulatedCluster;
let first: Haret;
let one: Namespace;
let other: Namespace;

beforeEach(async () => {
  cluster = simulate({ seed: 23 });
  first = await cluster.connect({ host: 'one' });
  one = first.namespace('test');
  other = (await cluster.connect({ host: 'other' })).namespace('test');
});

afterEach(async () => {
  await cluster.close();
});

const reasonOf = (job: Job<unknown>): unknown =>
  job.signal.reason instanceof HaretError ? job.signal.reason.details['reason'] : job.signal.reason;

describe('a work queue', () => {
  it('gives each item to one worker, in order, and is the same node as a queue', async () => {
    const [mine, theirs] = [jobs(one, '/q', text), jobs(other, '/q', text)];
    const put = await mine.put('a');
    expect(put).toMatchObject({ item: 1, duplicate: false });
    await one.queue('/q', text).push('b');
    await mine.put('urgent', { priority: 5 });
    const [job] = await mine.take();
    const rest = await theirs.take({ max: 10 });
    expect([job!.value, ...rest.map(({ value }) => value)]).toEqual(['urgent', 'a', 'b']);
    expect([job!.attempt, job!.held, job!.signal.aborted]).toEqual([1, true, false]);
    expect(await mine.info()).toMatchObject({ waiting: 0, taken: 3 });
    expect(await theirs.take({ waitMs: 0 })).toEqual([]);
    await rest[0]!.progress('half');
    expect((await mine.items('taken')).map(({ note }) => note)).toContain('half');
    expect(await job!.ack()).toBe(true);
    expect(await job!.ack()).toBe(false);
    expect([job!.held, job!.settled, job!.signal.aborted]).toEqual([false, true, false]);
    for (const each of rest) expect(await each.nack({ delayMs: 0 })).toBe(true);
    expect(await one.queue('/q', text).items().toArray()).toEqual(['a', 'b']);
  });

  it('shows what waits, kept up to date, as items are put before others, taken, and come back', async () => {
    const queue = jobs(one, '/q', text);
    const live = one.queue('/q', text).live();
    const stop = live.subscribe(() => undefined);
    const shows = async (...items: string[]): Promise<void> => {
      const { op } = await queue.put('end');
      await cluster.until(() => live.state.op >= op);
      expect(live.state.value).toEqual([...items, 'end']);
      const all = await one.queue('/q', text).items().toArray();
      expect(all).toEqual([...items, 'end']);
      // It goes again by a pop of the last one that waits, which is the first when nothing else does.
      for (const item of await queue.take({ max: 100 }))
        if (item.value === 'end') await item.ack();
        else await item.nack({ delayMs: 0 });
    };
    await queue.put('a');
    await queue.put('b');
    await queue.put('urgent', { priority: 5 });
    await queue.put('later', { delayMs: 3_600_000 });
    await shows('urgent', 'a', 'b');
    const [urgent] = await queue.take();
    await shows('a', 'b');
    await urgent!.nack({ delayMs: 0 });
    await shows('urgent', 'a', 'b');
    const [taken] = await queue.take();
    await taken!.ack();
    await one.queue('/q', text).pop();
    await shows('b');
    stop();
  });

  it('makes a worker wait in line, and hands an item over within a round trip of its push', async () => {
    const waits = jobs(other, '/new/q', text).take();
    await cluster.run(50);
    const began = cluster.nowMs;
    await jobs(one, '/new/q', text).put('x');
    const [job] = await waits;
    expect(job!.value).toBe('x');
    expect(cluster.nowMs - began).toBeLessThan(100);
    await job!.ack();
    expect(await jobs(other, '/new/q', text).take({ waitMs: 300 })).toEqual([]);
    const controller = new AbortController();
    const never = jobs(other, '/new/q', text).take({ signal: controller.signal });
    await cluster.run(50);
    expect((await jobs(one, '/new/q', text).info())?.takers).toBe(1);
    controller.abort();
    expect(await endOf(never)).toBe('Interrupted definite');
    await cluster.run(100);
    expect((await jobs(one, '/new/q', text).info())?.takers).toBe(0);
  });

  it('pops an item only when it is acknowledged, and waits for one', async () => {
    const queue = jobs(one, '/q', text);
    expect(await queue.pop()).toBeUndefined();
    const waits = jobs(other, '/q', text).pop({ waitMs: 5000 });
    await cluster.run(50);
    await queue.put('x');
    expect(await waits).toBe('x');
    expect(await queue.info()).toMatchObject({ waiting: 0, taken: 0 });
  });

  it('settles a job together with what is written, or not at all', async () => {
    const queue = jobs(one, '/q', text);
    await queue.put('x');
    await queue.put('y');
    const [job, late] = await queue.take({ max: 2, visibilityMs: 1000 });
    await one.txn().do(job!.op.ack(), one.counter('/done').op.create()).commit();
    expect([job!.settled, await one.exists('/done')]).toEqual([true, true]);
    cluster.stall('one', 3000);
    await cluster.run(3500);
    const failed = one.txn().do(late!.op.ack(), one.counter('/twice').op.create()).commit();
    expect(await endOf(failed)).toBe('NotHeld definite');
    expect(await one.exists('/twice')).toBe(false);
  });
});

describe('a worker', () => {
  it('keeps a long job as long as it works on it, and gets the next one when it has acknowledged it', async () => {
    const queue = jobs(one, '/q', text);
    for (const item of ['a', 'b', 'c']) await queue.put(item);
    const done: string[] = [];
    for await (const job of queue.consume({ visibilityMs: 1000 })) {
      await cluster.run(3500);
      expect(
        await jobs(other, '/q', text)
          .take({ waitMs: 0 })
          .then((all) => all.map(({ value }) => value)),
      ).not.toContain(job.value);
      expect([job.held, job.signal.aborted, await job.ack()]).toEqual([true, false, true]);
      done.push(job.value);
      break;
    }
    expect(done).toEqual(['a']);
  });

  it('that stands still loses its job before another one gets it, and its late ack frees nothing', async () => {
    const queue = jobs(one, '/q', text);
    await queue.put('x');
    const [job] = await queue.take({ visibilityMs: 2000 });
    const next = jobs(other, '/q', text).take();
    cluster.stall('one', 4000);
    const [taken] = await next;
    expect(taken).toMatchObject({ id: job!.id, attempt: 2 });
    await cluster.until(() => job!.signal.aborted, 5000);
    expect(reasonOf(job!)).toBe('timeUp');
    expect(await job!.ack()).toBe(false);
    expect(taken!.held).toBe(true);
    expect(await taken!.ack()).toBe(true);
    expect(await queue.info()).toMatchObject({ waiting: 0, taken: 0 });
  });

  it('that ends gives its jobs back at once, and one that is cut off at the end of its lease', async () => {
    const queue = jobs(one, '/q', text);
    await queue.put('x');
    await jobs(other, '/q', text).take({ leaseMs: 3000 });
    other.leave();
    const [again] = await queue.take();
    expect(again).toMatchObject({ attempt: 1 });
    expect(await again!.nack({ delayMs: 0 })).toBe(true);
    const [lost] = await jobs(one, '/q', text).take({ leaseMs: 2000, visibilityMs: 60_000 });
    const third = (await cluster.connect({ host: 'third' })).namespace('test');
    const next = jobs(third, '/q', text).take();
    const began = cluster.nowMs;
    cluster.partition(['one'], [...cluster.nodes, 'third']);
    const [taken] = await next;
    expect(taken).toMatchObject({ id: lost!.id, attempt: 3 });
    expect(cluster.nowMs - began).toBeLessThan(4000);
    expect(reasonOf(lost!)).toBe('lapsed');
    cluster.heal();
  });

  it('has a job that fails again and again buried with its reason, from where it comes back', async () => {
    const queue = jobs(one, '/q', text);
    await queue.configure({ maxAttempts: 2 });
    await queue.put('poison');
    await queue.put('good');
    const controller = new AbortController();
    const seen: string[] = [];
    const works = queue.work(
      (job) => {
        seen.push(job.value);
        if (job.value === 'poison') throw new Error('it is poison');
      },
      { signal: controller.signal, concurrency: 2 },
    );
    await cluster.run(4000);
    expect(seen).toEqual(['poison', 'good', 'poison']);
    expect(await queue.items('dead')).toMatchObject([{ value: 'poison', attempts: 2, note: 'it is poison' }]);
    controller.abort();
    await works;
    expect(await queue.retry()).toBe(1);
    expect(await queue.info()).toMatchObject({ waiting: 1, dead: 0 });
  });

  it('has no more jobs at a time than it asked for, and finishes what it has begun', async () => {
    const queue = jobs(one, '/q', text);
    for (let i = 0; i < 7; i++) await queue.put(String(i));
    const controller = new AbortController();
    let now = 0;
    let most = 0;
    const done: string[] = [];
    const works = queue.work(
      async (job) => {
        most = Math.max(most, ++now);
        await cluster.run(200);
        now--;
        done.push(job.value);
      },
      { concurrency: 3, signal: controller.signal },
    );
    await cluster.until(() => done.length >= 5, 10_000);
    controller.abort();
    await works;
    expect(most).toBe(3);
    const left = await queue.info();
    expect(done.length + left!.waiting).toBe(7);
    expect(left).toMatchObject({ taken: 0 });
  });

  it('gives back what it has when its loop is left before the job is settled', async () => {
    const queue = jobs(one, '/q', text);
    await queue.put('x');
    for await (const job of queue.consume()) {
      expect(job.value).toBe('x');
      break;
    }
    expect(await queue.info()).toMatchObject({ delayed: 1, taken: 0 });
  });

  it('refuses bad input before anything is sent', async () => {
    const queue = jobs(one, '/q', text);
    for (const bad of [
      queue.take({ max: 0 }),
      queue.take({ visibilityMs: 10 }),
      queue.put('x', { priority: 10 }),
      queue.put('x', { delayMs: -1 }),
    ])
      expect(await endOf(bad)).toBe('BadArgument definite');
    await one.blob('/b', text).put('x');
    expect(await endOf(jobs(one, '/b', text).take())).toBe('WrongType definite');
    const bad = jobs(one, '/b', text).consume();
    expect(await endOf(bad.next())).toBe('WrongType definite');
  });
});
