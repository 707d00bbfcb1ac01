/** The items of a queue whatever is done to them, puts under an id, belongings, and bad input (coordination §11). */

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import { maxBelongings } from '../../core/service/sessions.ts';
import { restored, snapshotOf } from './driver.ts';
import { Jobs, q } from './jobs-play.ts';

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
