/** The stories of jobs, entry by entry (coordination §11). */

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import { backOffMs } from '../../core/tree/kinds/jobs.ts';
import type { KnownItem } from '../../core/tree/job-result.ts';
import { secret } from './driver.ts';
import { Jobs, q, values } from './jobs-play.ts';

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
