/** The stories of jobs, entry by entry (coordination §11). */

import { describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../../core/base/bytes.ts';
import { maxBelongings } from '../../core/service/sessions.ts';
import { backOffMs } from '../../core/tree/kinds/jobs.ts';
import type { ItemState } from '../../core/tree/names.ts';
import { jobResultOf } from '../../core/tree/job-result.ts';
import type { JobResult, KnownItem } from '../../core/tree/job-result.ts';
import type { Asked, Operation, SimpleResult } from '../../core/tree/operation.ts';
import { restored, secret, snapshotOf } from './driver.ts';
import { Play } from './play.ts';

const q = '/q';
type Took = Extract<JobResult, { kind: 'took' }>;
type Info = Extract<JobResult, { kind: 'queueInfo' }>;
type Result = JobResult | SimpleResult | string;

function known(result: SimpleResult | string): Result {
  return typeof result !== 'string' && result.kind === 'table' ? jobResultOf(result) : result;
}

class Jobs extends Play {
  constructor() {
    super();
    const a = this.register();
    this.ask(a, { kind: 'create', path: q, type: 'queue', value: null });
  }

  do(session: number, operation: Operation): Result {
    return known(this.ask(session, operation));
  }

  push(session: number, ...values: string[]): void {
    for (const value of values) this.ask(session, { kind: 'queuePush', path: q, value: utf8(value) });
  }

  put(session: number, value: string, more: Partial<Asked<'queuePut'>> = {}): Result {
    const put = { kind: 'queuePut', path: q, value: utf8(value), priority: 0, delayMs: 0, dedup: null } as const;
    return this.do(session, { ...put, ...more });
  }

  take(session: number, more: Partial<Asked<'queueTake'>> = {}): Took {
    const result = this.tryTake(session, more);
    if (typeof result === 'string' || result.kind !== 'took') throw new Error(JSON.stringify(result));
    return result;
  }

  tryTake(session: number, more: Partial<Asked<'queueTake'>> = {}): Result {
    const take = { kind: 'queueTake', path: q, max: 1, visibilityMs: 5000, waitMs: 0, leaseMs: 60_000 } as const;
    return this.do(session, { ...take, ...more });
  }

  ack(session: number, item: number, receipt: number): Result {
    return this.do(session, { kind: 'queueAck', path: q, item, receipt });
  }

  nack(session: number, item: number, receipt: number, delayMs: number | null = 0): Result {
    return this.do(session, { kind: 'queueNack', path: q, item, receipt, delayMs, reason: 'failed' });
  }

  items(state: ItemState): readonly KnownItem[] {
    const shown = this.shown({ kind: 'queueItems', path: q, state, limit: 100, from: 0 });
    return shown?.kind === 'items' ? shown.items : [];
  }

  waiting(): readonly string[] {
    const answer = this.read({ kind: 'queueList', path: q, limit: 100, from: 0 });
    return answer.kind === 'result' && answer.result.kind === 'values'
      ? answer.result.values.map((one) => textOf(one)!)
      : [];
  }

  info(): Info {
    const shown = this.shown({ kind: 'queueInfo', path: q });
    if (shown?.kind !== 'queueInfo') throw new Error('no info');
    return shown;
  }

  shown(operation: Operation): JobResult | null {
    const answer = this.read(operation);
    return answer.kind === 'result' && answer.result.kind === 'table' ? jobResultOf(answer.result) : null;
  }

  /** Lets time go on, and does what is due. */
  later(ms: number): void {
    this.wait(ms);
    this.expire();
  }
}

const values = (took: Took): readonly string[] => took.items.map(({ value }) => textOf(value)!);

describe('a job', () => {
  it('is taken in order, is in one hand, and goes with its ack', () => {
    const play = new Jobs();
    const [a, b] = [play.register(), play.register()];
    play.push(a, 'x', 'y', 'z');
    const one = play.take(a);
    const two = play.take(b, { max: 5 });
    expect([values(one), values(two)]).toEqual([['x'], ['y', 'z']]);
    expect(play.take(b).items).toEqual([]);
    expect(play.waiting()).toEqual([]);
    expect(play.ack(a, one.items[0]!.id, one.receipt)).toMatchObject({ kind: 'done' });
    expect(play.info()).toMatchObject({ waiting: 0, taken: 2, dead: 0 });
    expect(play.items('taken').map(({ session, attempts }) => [session, attempts])).toEqual([
      [b, 1],
      [b, 1],
    ]);
  });

  it('is acknowledged only by its holder, only under its receipt, and only once', () => {
    const play = new Jobs();
    const [a, b] = [play.register(), play.register()];
    play.push(a, 'x');
    const { items, receipt } = play.take(a);
    const { id } = items[0]!;
    expect(play.ack(b, id, receipt)).toBe('NotHeld');
    expect(play.ack(a, id, receipt + 1)).toBe('NotHeld');
    expect(play.ack(a, id + 1, receipt)).toBe('NotHeld');
    expect(play.ack(a, id, receipt)).toMatchObject({ kind: 'done' });
    expect(play.ack(a, id, receipt)).toBe('NotHeld');
  });

  it('comes back to its old place when its time is over, and the late ack of the first holder frees nobody else’s', () => {
    const play = new Jobs();
    const a = play.register();
    play.push(a, 'x', 'y');
    const first = play.take(a);
    play.later(4999);
    expect(play.waiting()).toEqual(['y']);
    play.later(1);
    expect(play.waiting()).toEqual(['x', 'y']);
    const b = play.register();
    const second = play.take(b);
    expect(values(second)).toEqual(['x']);
    expect(second.items[0]).toMatchObject({ id: first.items[0]!.id, attempts: 2 });
    expect(play.ack(a, first.items[0]!.id, first.receipt)).toBe('NotHeld');
    expect(play.ack(b, second.items[0]!.id, second.receipt)).toMatchObject({ kind: 'done' });
    // Its client knows by its own clock.
    expect(play.alive(a)).toEqual([]);
  });

  it('counts when it is acknowledged late, but before the entry that takes it back', () => {
    const play = new Jobs();
    const a = play.register();
    play.push(a, 'x');
    const { items, receipt } = play.take(a);
    play.wait(6000);
    expect(play.ack(a, items[0]!.id, receipt)).toMatchObject({ kind: 'done' });
    play.expire();
    expect(play.info()).toMatchObject({ waiting: 0, taken: 0 });
  });

  it('is kept longer by an extension, which is no change of the queue', () => {
    const play = new Jobs();
    const a = play.register();
    play.push(a, 'x');
    const { items, receipt } = play.take(a);
    const { version } = play.info();
    play.wait(4000);
    const item = items[0]!.id;
    const extended = play.do(a, { kind: 'queueExtend', path: q, item, receipt, visibilityMs: 5000 });
    expect(extended).toMatchObject({ kind: 'job', until: play.now + 5000 });
    expect(play.info().version).toBe(version);
    play.later(4999);
    expect(play.info().taken).toBe(1);
    play.later(1);
    expect(play.info()).toMatchObject({ taken: 0, waiting: 1 });
    expect(play.do(a, { kind: 'queueExtend', path: q, item, receipt, visibilityMs: 5000 })).toBe('NotHeld');
  });

  it('shows how far it is', () => {
    const play = new Jobs();
    const a = play.register('worker 7');
    play.push(a, 'x');
    const { items, receipt } = play.take(a);
    play.do(a, { kind: 'queueProgress', path: q, item: items[0]!.id, receipt, note: '40 %' });
    expect(play.items('taken')).toMatchObject([{ note: '40 %', client: 'worker 7', receipt, until: play.now + 5000 }]);
  });
});

describe('a job that failed', () => {
  it('waits longer after each attempt, and lets others go first', () => {
    const play = new Jobs();
    const a = play.register();
    play.push(a, 'poison', 'good');
    const { items, receipt } = play.take(a);
    play.nack(a, items[0]!.id, receipt, null);
    expect(values(play.take(a))).toEqual(['good']);
    expect(play.take(a).items).toEqual([]);
    const [{ until }] = play.items('delayed') as [KnownItem];
    expect(until - play.now).toBeGreaterThanOrEqual(800);
    expect(until - play.now).toBeLessThanOrEqual(1200);
    play.later(until - play.now);
    expect(values(play.take(a))).toEqual(['poison']);
    for (let attempts = 1; attempts < 20; attempts++) {
      const base = Math.min(60_000, 1000 * 2 ** (attempts - 1));
      for (const op of [1, 77, 2 ** 40 + 3]) {
        expect(backOffMs(attempts, op, 3)).toBeGreaterThanOrEqual(base * 0.8);
        expect(backOffMs(attempts, op, 3)).toBeLessThanOrEqual(base * 1.2);
        expect(Number.isInteger(backOffMs(attempts, op, 3))).toBe(true);
      }
    }
  });

  it('is dead after its last attempt, with the reason, and comes back from there', () => {
    const play = new Jobs();
    const a = play.register();
    play.do(a, { kind: 'queueConfigure', path: q, maxAttempts: 2, maxDead: null });
    play.push(a, 'x', 'y');
    for (let i = 0; i < 2; i++) {
      const { items, receipt } = play.take(a);
      play.nack(a, items[0]!.id, receipt);
    }
    expect(play.items('dead')).toMatchObject([{ id: 1, note: 'failed', attempts: 2, since: play.now }]);
    play.take(a);
    play.later(5000);
    play.take(a);
    play.later(5000);
    expect(play.items('dead').map(({ id, note }) => [id, note])).toEqual([
      [1, 'failed'],
      [2, 'timeUp'],
    ]);
    expect(play.do(a, { kind: 'queueDead', path: q, item: 3, drop: false })).toBe('BadArgument');
    play.do(a, { kind: 'queueDead', path: q, item: 2, drop: true });
    expect(play.do(a, { kind: 'queueDead', path: q, item: 0, drop: false })).toMatchObject({ number: 1 });
    expect(play.take(a).items).toMatchObject([{ id: 1, attempts: 1 }]);
    expect(play.info()).toMatchObject({ dead: 0, waiting: 0, taken: 1 });
  });

  it('makes room among the dead by dropping those that died first', () => {
    const play = new Jobs();
    const a = play.register();
    play.do(a, { kind: 'queueConfigure', path: q, maxAttempts: 1, maxDead: 2 });
    play.push(a, 'w', 'x', 'y', 'z');
    const { items, receipt } = play.take(a, { max: 4 });
    for (const { id } of items.toReversed()) play.nack(a, id, receipt);
    expect(play.items('dead').map(({ id }) => id)).toEqual([2, 1]);
    expect(play.info()).toMatchObject({ dead: 2, dropped: 2 });
  });
});

describe('a session that ends', () => {
  it('gives its jobs back: with the attempt when it ends cleanly, and without when it does not', () => {
    const play = new Jobs();
    const [a, b] = [play.register(), play.register()];
    play.push(a, 'x');
    play.take(a);
    play.own({ kind: 'unregister', session: a, secret });
    expect(play.take(b, { leaseMs: 2000 }).items).toMatchObject([{ attempts: 1 }]);
    play.later(2000);
    const c = play.register();
    expect(play.take(c).items).toMatchObject([{ id: 1, attempts: 2 }]);
  });

  it('that another process continues keeps its jobs from others only as long as it could count on them', () => {
    const play = new Jobs();
    const identity = { id: 'w', incarnation: 'ab'.repeat(16) };
    const bind = (attempt: number): number => {
      const { answer } = play.own({ kind: 'bind', client: 'w', identity, attempt, previous: 0, secret });
      if (answer.kind !== 'bound') throw new Error(answer.kind);
      return answer.session;
    };
    const before = bind(1);
    play.push(before, 'x', 'y');
    const long = play.take(before, { visibilityMs: 100_000, leaseMs: 3000 });
    play.take(before, { visibilityMs: 1000, leaseMs: 3000 });
    const after = bind(2);
    expect(play.ack(before, 1, long.receipt)).toBe('SessionGone');
    expect(play.ack(after, 1, long.receipt)).toBe('NotHeld');
    expect(play.take(after, { leaseMs: 3000 }).items).toEqual([]);
    play.later(1000);
    const second = play.register();
    expect(play.take(second).items).toMatchObject([{ id: 2, attempts: 2 }]);
    play.later(1999);
    expect(play.take(second).items).toEqual([]);
    play.later(1);
    const third = play.register();
    expect(play.take(third).items).toMatchObject([{ id: 1, attempts: 2 }]);
  });
});

describe('a take that waits', () => {
  it('gets what another session gave up, in the entry that ends that session', () => {
    const play = new Jobs();
    const [a, b] = [play.register(), play.register()];
    play.push(a, 'x');
    play.take(a, { leaseMs: 2000, visibilityMs: 60_000 });
    const { claim } = play.take(b, { waitMs: null });
    play.later(2000);
    expect(play.alive(b)).toMatchObject([{ kind: 'granted', claim, items: [1, 2] }]);
    expect(play.items('taken')).toMatchObject([{ session: b }]);
  });

  it('gets items in the order of the line, as many as it wants and there are', () => {
    const play = new Jobs();
    const [a, b, c] = [play.register(), play.register(), play.register()];
    const one = play.take(a, { waitMs: null });
    const two = play.take(b, { waitMs: null, max: 3 });
    expect([one.receipt, one.ahead, two.ahead]).toEqual([0, 0, 1]);
    play.push(c, 'x');
    expect(play.alive(a)).toMatchObject([{ kind: 'granted', claim: one.claim, until: play.now + 5000, items: [1, 1] }]);
    play.push(c, 'y', 'z');
    const [told] = play.alive(b)!;
    expect(told).toMatchObject({ kind: 'granted', claim: two.claim, items: [2, 1] });
    expect(play.waiting()).toEqual(['z']);
    const read = play.read({ kind: 'queueJob', path: q, item: 2, receipt: told!.token });
    expect(read).toMatchObject({ kind: 'result', result: { kind: 'value', value: utf8('y') } });
    expect(play.read({ kind: 'queueJob', path: q, item: 2, receipt: 1 })).toMatchObject({ error: { code: 'NotHeld' } });
  });

  it('is passed by one that does not want to wait only when nobody waits', () => {
    const play = new Jobs();
    const [a, b] = [play.register(), play.register()];
    play.take(a, { waitMs: null });
    const then = [
      { kind: 'queuePush', path: q, value: utf8('x') },
      { kind: 'queueTake', path: q, max: 1, visibilityMs: 1000, waitMs: 0, leaseMs: null },
    ] as const;
    const { answer } = play.request(b, 1, { kind: 'transaction', guards: [], then, otherwise: [] });
    expect(answer).toMatchObject({ result: { results: [{ kind: 'done' }, { kind: 'table', values: [] }] } });
    expect(play.alive(a)).toMatchObject([{ kind: 'granted' }]);
  });

  it('ends when its time is over, when it is abandoned, when its queue is deleted, and with its session', () => {
    const play = new Jobs();
    const [a, b, c, d] = [play.register(), play.register(), play.register(), play.register()];
    play.take(a, { waitMs: 1000 });
    const two = play.take(b, { waitMs: null });
    play.take(c, { waitMs: null });
    play.take(d, { waitMs: null });
    expect(play.info().takers).toBe(4);
    play.later(1000);
    expect(play.alive(a)).toMatchObject([{ kind: 'ended', reason: 'waitOver' }]);
    expect(play.do(b, { kind: 'abandon', path: q, claim: two.claim, request: 0 })).toMatchObject({ was: 'waiting' });
    play.own({ kind: 'unregister', session: c, secret });
    expect(play.info().takers).toBe(1);
    play.do(a, { kind: 'delete', path: q, recursive: false, ifVersion: null });
    expect(play.alive(d)).toMatchObject([{ kind: 'ended', reason: 'deleted' }]);
  });

  it('that is over gets nothing, though the entry that says so has not come', () => {
    const play = new Jobs();
    const [a, b] = [play.register(), play.register()];
    play.take(a, { waitMs: 1000 });
    play.take(b, { waitMs: null });
    play.wait(1000);
    play.push(b, 'x');
    expect(play.alive(b)).toMatchObject([{ kind: 'granted' }]);
    expect(play.alive(a)).toEqual([]);
  });

  it('makes the queue where there is none, if it is asked so', () => {
    const play = new Jobs();
    const a = play.register();
    const operation = {
      kind: 'queueTake',
      path: '/new/q',
      max: 1,
      visibilityMs: 1000,
      waitMs: null,
      leaseMs: null,
    } as const;
    expect(play.do(a, operation)).toBe('PathNotFound');
    expect(play.do(a, { kind: 'upsert', operation })).toMatchObject({ kind: 'took', receipt: 0 });
    play.do(a, { kind: 'queuePush', path: '/new/q', value: utf8('x') });
    expect(play.alive(a)).toMatchObject([{ kind: 'granted', path: '/new/q' }]);
  });

  it('that was given items is undone by an abandon, as if it had never been', () => {
    const play = new Jobs();
    const a = play.register();
    play.push(a, 'x', 'y');
    const { claim } = play.take(a, { max: 2 });
    expect(play.do(a, { kind: 'abandon', path: q, claim, request: 0 })).toMatchObject({ was: 'granted' });
    expect(play.do(a, { kind: 'abandon', path: q, claim, request: 0 })).toMatchObject({ was: 'nothing' });
    expect(play.take(a, { max: 2 }).items).toMatchObject([{ attempts: 1 }, { attempts: 1 }]);
    // By the number of the request that made it, when its answer was lost.
    expect(play.do(a, { kind: 'abandon', path: q, claim: 0, request: 6 })).toMatchObject({ was: 'granted' });
    expect(play.waiting()).toEqual(['x', 'y']);
  });
});

describe('items', () => {
  it('of a higher priority go first, and those that come back have their old place', () => {
    const play = new Jobs();
    const a = play.register();
    play.push(a, 'a');
    play.put(a, 'b', { priority: 3 });
    play.put(a, 'c', { priority: 9 });
    play.put(a, 'd', { priority: 3 });
    play.push(a, 'e');
    expect(play.waiting()).toEqual(['c', 'b', 'd', 'a', 'e']);
    const { items, receipt } = play.take(a, { max: 2 });
    for (const { id } of items) play.nack(a, id, receipt);
    expect(play.waiting()).toEqual(['c', 'b', 'd', 'a', 'e']);
    expect(play.do(a, { kind: 'queuePop', path: q })).toMatchObject({ value: utf8('c') });
    expect(play.read({ kind: 'queueBack', path: q })).toMatchObject({ result: { value: utf8('e') } });
    expect(play.read({ kind: 'queueFront', path: q })).toMatchObject({ result: { value: utf8('b') } });
    expect(play.read({ kind: 'queueLength', path: q })).toMatchObject({ result: { number: 4 } });
    const from = play.read({ kind: 'queueList', path: q, limit: 2, from: 1 });
    expect(from).toMatchObject({ result: { values: [utf8('d'), utf8('a')], more: true } });
  });

  it('that are delayed wait when their time has come, in the order of their numbers', () => {
    const play = new Jobs();
    const a = play.register();
    play.put(a, 'late', { delayMs: 2000 });
    play.put(a, 'soon', { delayMs: 1000 });
    play.push(a, 'now');
    expect([play.waiting(), play.info().delayed]).toEqual([['now'], 2]);
    expect(play.service.deadline()).toBe(play.now + 1000);
    play.later(1000);
    expect(play.waiting()).toEqual(['soon', 'now']);
    play.later(1000);
    expect(play.waiting()).toEqual(['late', 'soon', 'now']);
    expect(play.items('delayed')).toEqual([]);
  });

  it('that are delayed are ready a part at a time, and each is given to who waits', () => {
    const play = new Jobs();
    const a = play.register();
    for (let i = 0; i < 150; i++) play.put(a, String(i), { delayMs: 1000 });
    play.take(a, { waitMs: null, max: 100 });
    let entries = 0;
    play.wait(1000);
    for (; (play.service.deadline() ?? Infinity) <= play.now; entries++) play.expire();
    expect(entries).toBe(3);
    expect(play.info()).toMatchObject({ delayed: 0, taken: 64, waiting: 86 });
  });

  it('are bounded together with those that are delayed', () => {
    const play = new Jobs();
    const a = play.register();
    const { maxChildren } = play.service.limits.tree;
    expect(maxChildren).toBeGreaterThan(1000);
    play.put(a, 'x', { delayMs: 1000 });
    expect(play.put(a, 'x'.repeat(2 * 1024 * 1024))).toBe('LimitExceeded');
  });
});

describe('a put under an id', () => {
  const once = { dedup: { id: 'mail-3', ms: 2000 } };

  it('is done once within the time of the first one, whatever became of that', () => {
    const play = new Jobs();
    const a = play.register();
    expect(play.put(a, 'x', once)).toMatchObject({ item: 1, duplicate: false });
    expect(play.put(a, 'y', once)).toMatchObject({ item: 1, duplicate: true });
    const { receipt } = play.take(a);
    play.ack(a, 1, receipt);
    play.wait(1999);
    expect(play.put(a, 'z', once)).toMatchObject({ item: 1, duplicate: true });
    expect(play.put(a, 'z', { dedup: { id: 'mail-4', ms: 1000 } })).toMatchObject({ item: 2, duplicate: false });
    play.wait(1);
    // The entry that forgets it has not come.
    expect(play.put(a, 'again', once)).toMatchObject({ item: 3, duplicate: false });
    expect(play.put(a, 'again', once)).toMatchObject({ item: 3, duplicate: true });
  });

  it('is forgotten at its time, also with its queue', () => {
    const play = new Jobs();
    const a = play.register();
    const size = play.service.size();
    play.put(a, 'x', once);
    expect(play.service.deadline()).toBeLessThanOrEqual(play.now + 2000);
    play.do(a, { kind: 'queuePop', path: q });
    play.take(a, { waitMs: 3000 });
    play.later(2000);
    expect(play.put(a, 'x', once)).toMatchObject({ item: 2, duplicate: false });
    const bytes = Buffer.concat(snapshotOf(play.service));
    expect(Buffer.concat(snapshotOf(restored([bytes]))).equals(bytes)).toBe(true);
    expect(play.service.size()).toBeGreaterThan(size);
    play.do(a, { kind: 'queueAck', path: q, item: 2, receipt: play.op });
    play.do(a, { kind: 'delete', path: q, recursive: false, ifVersion: null });
    play.do(a, { kind: 'create', path: q, type: 'queue', value: null });
    expect(play.put(a, 'x', once)).toMatchObject({ item: 1, duplicate: false });
  });
});

describe('what belongs to a session', () => {
  it('is bounded: a take gives no more jobs than there is room for', () => {
    const play = new Jobs();
    const a = play.register();
    for (let i = 0; i < maxBelongings + 10; i++) play.push(a, 'x');
    let taken = 0;
    for (let i = 0; i < 11; i++) taken += play.take(a, { max: 100 }).items.length;
    expect(taken).toBe(maxBelongings);
    expect(play.tryTake(a)).toBe('LimitExceeded');
  });

  it('keeps a queue from being deleted while jobs of it are taken', () => {
    const play = new Jobs();
    const a = play.register();
    play.do(a, { kind: 'create', path: '/d/q', type: 'queue', value: null });
    play.do(a, { kind: 'queuePush', path: '/d/q', value: utf8('x') });
    const took = play.take(a, { path: '/d/q' });
    expect(play.do(a, { kind: 'delete', path: '/d', recursive: true, ifVersion: null })).toBe('Held');
    play.do(a, { kind: 'queueAck', path: '/d/q', item: 1, receipt: took.receipt });
    expect(play.do(a, { kind: 'delete', path: '/d', recursive: true, ifVersion: null })).toMatchObject({
      kind: 'done',
    });
  });

  it('is in a snapshot, with all that follows from it', () => {
    const play = new Jobs();
    const [a, b] = [play.register(), play.register()];
    play.do(a, { kind: 'queueConfigure', path: q, maxAttempts: 1, maxDead: 5 });
    play.push(a, 'w', 'x', 'y', 'z');
    play.put(a, 'p', { priority: 4 });
    play.put(a, 'd', { delayMs: 700 });
    const one = play.take(a, { max: 3 });
    play.nack(a, one.items[1]!.id, one.receipt);
    play.do(a, { kind: 'queueProgress', path: q, item: one.items[0]!.id, receipt: one.receipt, note: 'half' });
    play.take(b, { max: 100 });
    play.take(b, { waitMs: 900 });
    const bytes = Buffer.concat(snapshotOf(play.service));
    const other = restored(snapshotOf(play.service, 1));
    expect(Buffer.concat(snapshotOf(other)).equals(bytes)).toBe(true);
    expect(other.size()).toBe(play.service.size());
    for (const ms of [700, 200, 5000]) {
      play.wait(ms);
      const entry = play.entry(0, 0, 0, play.service.expiry(play.now));
      expect(other.deadline()).toBe(play.service.deadline());
      play.apply(entry);
      other.apply(entry);
      expect(Buffer.concat(snapshotOf(other)).equals(Buffer.concat(snapshotOf(play.service)))).toBe(true);
    }
    expect(play.info()).toMatchObject({ taken: 0, delayed: 0, takers: 0 });
  });
});

describe('bad input', () => {
  it('is refused, and changes nothing', () => {
    const play = new Jobs();
    const a = play.register();
    play.do(a, { kind: 'create', path: '/blob', type: 'blob', value: null });
    expect(play.tryTake(a, { path: '/none' })).toBe('PathNotFound');
    expect(play.tryTake(a, { path: '/blob' })).toBe('WrongType');
    expect(play.do(a, { kind: 'queueAck', path: '/none', item: 1, receipt: 1 })).toBe('NotHeld');
    expect(play.do(a, { kind: 'queueAck', path: '/blob', item: 1, receipt: 1 })).toBe('WrongType');
    play.push(a, 'x');
    play.take(a, { leaseMs: 4000 });
    expect(play.tryTake(a, { leaseMs: 5000 })).toBe('BadArgument');
    const waits = { kind: 'queueTake', path: q, max: 1, visibilityMs: 1000, waitMs: 5, leaseMs: null } as const;
    for (const one of [waits, { kind: 'upsert', operation: waits } as const]) {
      const { answer } = play.request(a, 99, { kind: 'transaction', guards: [], then: [one], otherwise: [] });
      expect(answer.kind).toBe('error');
    }
  });
});
