/** Locks and their like over a simulated cluster, as users test with it: what they do while all goes well. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ElectionEvent, Haret, Namespace } from '../../browser-client/index.ts';
import { HaretError, json, text } from '../../browser-client/index.ts';
import { blob } from '../../browser-client/core.ts';
import { lock, locks, semaphore } from '../../browser-client/coordination.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';
import { endOf } from './ends.ts';

let cluster: SimulatedCluster;
let first: Haret;
let one: Namespace;
let other: Namespace;

beforeEach(async () => {
  cluster = simulate({ seed: 11 });
  first = await cluster.connect({ host: 'one' });
  one = first.namespace('test');
  other = (await cluster.connect({ host: 'other' })).namespace('test');
});

afterEach(async () => {
  await cluster.close();
});

describe('a lock', () => {
  it('is held by one, and handed over to the next by a release', async () => {
    const mine = await one.lock('/l').acquire();
    expect([mine.held, mine.signal.aborted, mine.token > 0]).toEqual([true, false, true]);
    const next = other.lock('/l').acquire();
    expect(await other.lock('/l').tryAcquire()).toBeUndefined();
    expect(await endOf(other.lock('/l').acquire({ waitMs: 0 }))).toBe('Held definite');
    const info = await one.lock('/l').info();
    expect([info?.held, info?.waiting, info?.holders[0]?.token]).toEqual([1, 1, mine.token]);
    expect(cluster.claims('test', '/l').map(({ token }) => token)).toEqual([mine.token, 0]);
    expect(await mine.release()).toBe(true);
    expect(await mine.release()).toBe(false);
    expect([mine.held, mine.signal.aborted]).toEqual([false, false]);
    const theirs = await next;
    expect(theirs.token).toBeGreaterThan(mine.token);
    const fenced = one.txn().if(mine.guard).do(one.blob('/x', text).op.create('late'));
    expect((await fenced.commit()).held).toBe(false);
    const right = other.txn().if(theirs.guard).do(other.blob('/x', text).op.create('theirs'));
    expect((await right.commit()).held).toBe(true);
    await theirs.release();
    expect(await one.exists('/l')).toBe(false);
    expect(await one.lock('/l').info()).toBeUndefined();
  });

  it('is released at the end of its block, and by functions as by methods', async () => {
    const small = lock(one, '/l');
    const done = await small.with(async (held) => {
      expect(held.held).toBe(true);
      expect(await lock(other, '/l').tryAcquire()).toBeUndefined();
      return 'done';
    });
    expect(done).toBe('done');
    {
      await using held = await lock(other, '/l').acquire();
      expect(held.held).toBe(true);
    }
    expect(await endOf(small.with(() => Promise.reject(new HaretError({ ...broken }))))).toBe('Internal definite');
    const again = await small.tryAcquire();
    expect(again?.held).toBe(true);
    await again?.release();
    // A namespace of core and one of haret are the same to them.
    expect(await semaphore(one, '/s', { permits: 1 }).with(() => blob(one, '/v', text).get())).toBeUndefined();
  });

  it('is shared by readers, and a writer who waits comes before later readers', async () => {
    const readers = [await one.lock('/l').acquire({ shared: true }), await other.lock('/l').acquire({ shared: true })];
    const writer = one.lock('/l').acquire();
    await cluster.run(50);
    const late = other.lock('/l').acquire({ shared: true });
    for (const reader of readers) await reader.release();
    const written = await writer;
    expect(cluster.claims('test', '/l').map(({ exclusive, token }) => [exclusive, token > 0])).toEqual([
      [true, true],
      [false, false],
    ]);
    await written.release();
    expect((await late).held).toBe(true);
  });

  it('is waited for as long as was asked, and no longer stands in line after that', async () => {
    const mine = await one.lock('/l').acquire();
    const begun = cluster.nowMs;
    expect(await endOf(other.lock('/l').acquire({ waitMs: 700 }))).toBe('WaitOver definite');
    expect(cluster.nowMs - begun).toBeGreaterThanOrEqual(700);
    expect(cluster.nowMs - begun).toBeLessThan(1000);
    expect(cluster.claims('test', '/l')).toHaveLength(1);
    await mine.release();
  });

  it('is given up by a signal, also when the grant is on its way', async () => {
    const mine = await one.lock('/l').acquire();
    const controller = new AbortController();
    const wait = other.lock('/l').acquire({ signal: controller.signal });
    await cluster.run(50);
    expect(cluster.claims('test', '/l')).toHaveLength(2);
    // The cluster grants it to the other, who gives up before it hears of that.
    cluster.stall('other', 200);
    await mine.release();
    expect(cluster.claims('test', '/l').map(({ token }) => token > mine.token)).toEqual([true]);
    controller.abort(new Error('no longer'));
    expect(await endOf(wait)).toBe('Interrupted definite');
    await cluster.until(() => cluster.claims('test', '/l').length === 0, 1000);
    // One whose request has only just left is given up by its number.
    const early = new AbortController();
    const never = other.lock('/l').acquire({ signal: early.signal });
    await Promise.resolve();
    early.abort();
    expect(await endOf(never)).toBe('Interrupted definite');
    await cluster.run(200);
    expect(cluster.claims('test', '/l')).toEqual([]);
    expect(await endOf(one.lock('/l').acquire({ signal: AbortSignal.abort() }))).toBe('Interrupted definite');
  });

  it('is re-entrant for those who ask with one key, and for no one else', async () => {
    const key = { task: 1 };
    const outer = await one.lock('/l').acquire({ key });
    const inner = await one.lock('/l').acquire({ key });
    expect(inner.token).toBe(outer.token);
    expect(await one.lock('/l').tryAcquire({ key: 'other' })).toBeUndefined();
    expect(await outer.release()).toBe(true);
    expect([outer.held, inner.held]).toEqual([false, true]);
    expect(await other.lock('/l').tryAcquire()).toBeUndefined();
    expect(await inner.release()).toBe(true);
    const after = await other.lock('/l').tryAcquire();
    expect(after?.held).toBe(true);
    // Two who wait together share one place in line. It is given up when both have given up.
    const [a, b] = [new AbortController(), new AbortController()];
    const waits = [a, b].map(({ signal }) => one.lock('/l').acquire({ key, signal }));
    const ends = waits.map(endOf);
    await cluster.run(50);
    expect(cluster.claims('test', '/l')).toHaveLength(2);
    a.abort();
    await cluster.run(50);
    expect(cluster.claims('test', '/l')).toHaveLength(2);
    b.abort();
    expect(await Promise.all(ends)).toEqual(['Interrupted definite', 'Interrupted definite']);
    await cluster.run(50);
    expect(cluster.claims('test', '/l')).toHaveLength(1);
    const readable = await one.lock('/m').acquire({ key, shared: true });
    expect(await endOf(one.lock('/m').acquire({ key }))).toBe('BadArgument definite');
    await readable.release();
  });

  it('of another lease has a session of its own, whose writes it is for', async () => {
    const usual = await one.lock('/a').acquire();
    const short = await one.lock('/b').acquire({ leaseMs: 2000 });
    const again = await one.lock('/c').acquire({ leaseMs: 2000 });
    expect([usual.ns === one, short.ns === one, short.ns === again.ns]).toEqual([true, false, true]);
    expect(short.ns.session?.id).not.toBe(one.session?.id);
    await short.ns.blob('/x', text).put('mine');
    expect(await one.blob('/x', text).get()).toBe('mine');
    expect((await short.ns.lock('/d').acquire()).ns).toBe(short.ns);
    await cluster.run(30_000);
    expect([usual.held, short.held, again.held]).toEqual([true, true, true]);
    for (const leaseMs of [999, 3_600_001, 1.5, Number.NaN])
      expect(await endOf(one.lock('/e').acquire({ leaseMs }))).toBe('BadArgument definite');
    expect(await endOf(one.lock('/e').acquire({ waitMs: -1 }))).toBe('BadArgument definite');
    one.leave();
    expect([usual.held, short.held]).toEqual([false, false]);
    expect((short.signal.reason as HaretError).details).toMatchObject({ reason: 'closed', path: '/b' });
  });
});

describe('a thief', () => {
  it('is granted what is free at once, as by those who ask', async () => {
    const mine = await one.lock('/d/l').acquire({ steal: true });
    expect(mine.held).toBe(true);
    expect(await mine.release()).toBe(true);
    expect(await one.exists('/d')).toBe(false);
    expect(await other.locks.request('free', { steal: true }, (granted) => granted?.hold.held)).toBe(true);
    const tried = await one.lock('/l').tryAcquire({ steal: true });
    expect(tried?.held).toBe(true);
    await tried?.release();
    await one.lock('/kept').create();
    expect((await one.lock('/kept').acquire({ steal: true })).held).toBe(true);
    await one.blob('/blob', text).put('x');
    expect(await endOf(one.lock('/blob').acquire({ steal: true }))).toBe('WrongType definite');
    await one.semaphore('/s').create(1);
    expect(await endOf(one.lock('/s').acquire({ steal: true }))).toBe('WrongType definite');
    // Who takes it from others, and wants nothing for itself, finds nothing to take.
    expect(await endOf(one.lock('/none').steal())).toBe('PathNotFound definite');
  });
});

const broken = { code: 'Internal', message: 'broken', retryable: false, outcome: 'definite', details: {} } as const;

describe('locks by name', () => {
  it('work as those of a browser', async () => {
    const order: string[] = [];
    const inside = one.locks.request('deploy', async (granted) => {
      order.push(`in ${granted?.name} ${granted?.mode}`);
      await cluster.run(100);
      order.push('out');
      return 7;
    });
    await cluster.run(50);
    const next = other.locks.request('deploy', { mode: 'shared' }, (granted) => order.push(`next ${granted?.mode}`));
    expect(await locks(other).request('deploy', { ifAvailable: true }, (granted) => granted)).toBeNull();
    expect(await other.locks.query()).toMatchObject({
      held: [{ name: 'deploy', mode: 'exclusive', clientId: String(one.session?.id) }],
      pending: [{ name: 'deploy', mode: 'shared' }],
    });
    expect(await inside).toBe(7);
    await next;
    expect(order).toEqual(['in deploy exclusive', 'out', 'next shared']);
    expect(await one.locks.query()).toEqual({ held: [], pending: [] });
    for (const name of ['', 'ü/ö .. ', 'n'.repeat(190), 'n'.repeat(191)])
      expect(await one.locks.request(name, (granted) => granted?.name)).toBe(name);
    expect(await endOf(one.locks.request('-x', () => 1))).toBe('BadArgument definite');
    expect(await endOf(one.locks.request('x', { steal: true, ifAvailable: true }, () => 1))).toBe(
      'BadArgument definite',
    );
  });

  it('reject with the reason of the signal, and with Lost when they are stolen', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const stolen = one.locks.request('l', async (granted) => {
      await new Promise((resolve) => granted?.hold.signal.addEventListener('abort', resolve));
      return 'too late';
    });
    await cluster.run(50);
    const waits = other.locks.request('l', { signal: controller.signal }, () => 1);
    const rejected = waits.catch((error: unknown) => error);
    await cluster.run(50);
    controller.abort(reason);
    expect(await rejected).toBe(reason);
    const thief = other.locks.request('l', { steal: true }, () => 'mine');
    expect(await endOf(stolen)).toBe('Lost definite');
    expect(await thief).toBe('mine');
  });
});

describe('a semaphore', () => {
  it('gives its permits in order, also to the heavy, and is resized while in use', async () => {
    const pool = one.semaphore('/s', { permits: 3 });
    const two = await pool.acquire({ permits: 2 });
    const heavy = endOf(other.semaphore('/s').acquire({ permits: 3 }));
    await cluster.run(50);
    expect(await pool.tryAcquire()).toBeUndefined();
    expect(await endOf(pool.resize(1))).toBe('Held definite');
    expect(await endOf(pool.acquire({ permits: 4 }))).toBe('BadArgument definite');
    expect(await endOf(one.semaphore('/s', { permits: 4 }).acquire())).toBe('BadArgument definite');
    const late = other.semaphore('/s').acquire();
    await pool.resize(2);
    expect(await heavy).toBe('LimitExceeded definite');
    await two.release();
    expect((await late).held).toBe(true);
    expect(await endOf(one.semaphore('/none').acquire())).toBe('PathNotFound definite');
    await one.semaphore('/kept').create(5);
    expect((await one.semaphore('/kept').info())?.capacity).toBe(5);
  });
});

describe('a barrier', () => {
  it('lets all who wait pass together, and then everyone, until it is closed', async () => {
    const gate = one.barrier('/b');
    expect(await endOf(gate.wait())).toBe('PathNotFound definite');
    await gate.create();
    const passed: string[] = [];
    const waits = [one, other].map(async (ns, i) => {
      await ns.barrier('/b').wait();
      passed.push(`${i}`);
    });
    await cluster.run(100);
    expect([passed, (await gate.info())?.waiting]).toEqual([[], 2]);
    await gate.open();
    await Promise.all(waits);
    await other.barrier('/b').wait();
    await gate.close();
    expect(await endOf(other.barrier('/b').wait({ waitMs: 100 }))).toBe('WaitOver definite');
    const deleted = endOf(other.barrier('/b').wait());
    await cluster.run(50);
    await gate.delete();
    expect(await deleted).toBe('PathNotFound definite');
  });
});

describe('an election', () => {
  it('has one leader, whose terms and values observers see without a gap', async () => {
    const office = (ns: Namespace) => ns.election('/e', json<{ at: string }>());
    const seen: ElectionEvent<{ at: string }>[] = [];
    const controller = new AbortController();
    const observing = (async () => {
      for await (const event of office(other).observe({ signal: controller.signal })) seen.push(event);
    })();
    await cluster.run(50);
    expect(await office(other).leader()).toBeUndefined();
    const mine = await office(one).campaign({ value: { at: 'a' } });
    expect(await office(other).leader()).toEqual({ term: mine.term, value: { at: 'a' }, session: one.session?.id });
    await mine.proclaim({ at: 'a2' });
    const theirs = office(other).campaign({ value: { at: 'b' } });
    await cluster.run(50);
    expect(await mine.resign()).toBe(true);
    const term = await theirs;
    expect(await endOf(mine.proclaim({ at: 'late' }))).toBe('NotHeld definite');
    await term.resign();
    await cluster.run(100);
    controller.abort();
    expect(await endOf(observing)).toBe('Interrupted definite');
    expect(seen.map((event) => [event.kind, event.term, 'value' in event ? event.value.at : ''])).toEqual([
      ['vacant', null, ''],
      ['elected', mine.term, 'a'],
      ['proclaimed', mine.term, 'a2'],
      ['elected', term.term, 'b'],
      ['vacant', term.term, ''],
    ]);
    expect(seen[3]).toMatchObject({ previous: mine.term });
    // Another one goes on where this one ended, and is told nothing twice.
    const later: string[] = [];
    const after = seen[2]!.op;
    for await (const event of office(one).observe({ after })) {
      later.push(event.kind);
      if (later.length === 2) break;
    }
    expect(later).toEqual(['elected', 'vacant']);
  });

  it('tells an observer of a gap that no node remembers, and then how things are', async () => {
    const office = one.election('/e', text);
    const controller = new AbortController();
    const seen: ElectionEvent<string>[] = [];
    const observing = (async () => {
      for await (const event of other.election('/e', text).observe({ signal: controller.signal })) seen.push(event);
    })();
    const mine = await office.campaign({ value: 'a' });
    await cluster.run(100);
    cluster.partition(['other'], [...cluster.nodes, 'one']);
    await mine.resign();
    const next = await office.campaign({ value: 'b' });
    // The history of changes goes back ten minutes, and is forgotten a page at a time.
    const page = one.blob('/page', text);
    await page.put('x'.repeat(500_000));
    await cluster.run(660_000);
    await page.put('y'.repeat(500_000));
    await next.proclaim('b2');
    cluster.heal();
    await cluster.until(() => seen.length > 2, 60_000);
    const b2 = { kind: 'elected', term: next.term, value: 'b2', previous: null, missed: true };
    expect(seen.slice(1)).toMatchObject([{ kind: 'elected', value: 'a', missed: false }, b2]);
    await next.proclaim('b3');
    await cluster.until(() => seen.length > 3, 5000);
    expect(seen[3]).toMatchObject({ kind: 'proclaimed', value: 'b3', missed: false });
    controller.abort();
    expect(await endOf(observing)).toBe('Interrupted definite');
    // So is one that goes on after an op that is forgotten.
    for await (const event of office.observe({ after: mine.term })) {
      expect(event).toMatchObject({ ...b2, value: 'b3' });
      break;
    }
    await next.resign();
  });

  it('goes to the candidate that the leader names', async () => {
    const office = one.election('/e', text);
    const mine = await office.campaign({ value: 'mine' });
    const second = other.election('/e', text).campaign({ value: 'second' });
    await cluster.run(50);
    const third = one.election('/e', text).campaign({ value: 'third' });
    await cluster.run(50);
    const { claim } = (await office.info())!.line[1]!;
    expect(await mine.resign({ to: claim })).toBe(true);
    expect((await third).term).toBeGreaterThan(mine.term);
    expect((await office.leader())?.value).toBe('third');
    expect(await endOf((await third).resign({ to: 1 }))).toBe('NotHeld definite');
    expect((await second).held).toBe(true);
  });
});

describe('an argument that is wrong', () => {
  const anything = undefined as never;

  it('of a release keeps what is held, and the next release gives it up', async () => {
    const office = one.election('/e', text);
    const mine = await office.campaign({ value: 'mine' });
    for (const to of ['b', -1, 1.5, Number.NaN, null] as number[])
      expect(await endOf(mine.resign({ to }))).toBe('BadArgument definite');
    expect([mine.held, (await office.leader())?.term]).toEqual([true, mine.term]);
    expect(await mine.resign()).toBe(true);
    expect(await office.leader()).toBeUndefined();
  });

  it('is refused before anything is claimed', async () => {
    const refused = [
      one.lock('/l').with({}, anything),
      one.lock('/l').with({}, 7 as never),
      one.semaphore('/s', { permits: 1 }).with({}, {} as never),
      one.locks.request('n', {}, 'work' as never),
      one.locks.request('n', { mode: 'bogus' as never }, () => 1),
      one.locks.request('n', { mode: null as never }, () => 1),
      one.locks.request(7 as never, () => 1),
      one.lock('/l').acquire({ leaseMs: '10' as never }),
      one.lock('/l').acquire({ waitMs: '10' as never }),
      one.semaphore('/s', { permits: 1 }).acquire({ permits: '1' as never }),
      one.lock('/l').steal({ claim: 'x' as never }),
    ];
    for (const call of refused) expect(await endOf(call)).toBe('BadArgument definite');
    const nothing = [
      one.election('/e', text).campaign(anything),
      one.election('/e', text).campaign({} as never),
      one.election('/e', text).campaign({ value: 7 as never }),
    ];
    for (const call of nothing) expect(await endOf(call)).toBe('BadValue definite');
    for (const after of ['x', -1, 1.5] as number[])
      expect(await endOf(one.election('/e', text).observe({ after }).next())).toBe('BadArgument definite');
    for (const path of ['/l', '/s', '/e', '/.locks']) expect(await one.exists(path)).toBe(false);
    const said = one
      .lock('/l')
      .acquire({ leaseMs: '10' as never })
      .catch(messageOf);
    expect(await said).toContain('got string 10');
  });
});

describe('a release gives up what is held in any case', () => {
  it('also when its signal has aborted, or it cannot be called', async () => {
    const signal = AbortSignal.abort();
    for (const options of [{ signal }, { signal: {} as never }, null as never]) {
      const mine = await one.lock('/l').acquire();
      expect(await mine.release(options).catch(messageOf)).not.toBe(true);
      expect(mine.held).toBe(false);
      await cluster.until(() => cluster.claims('test', '/l').length === 0, 1000);
    }
    const held = await one.lock('/l').acquire();
    expect(await endOf(held.release({ signal }))).toBe('Interrupted unknown');
  });

  it('also when the candidate who should be next is not in line, as its error says', async () => {
    const mine = await one.election('/e', text).campaign({ value: 'mine' });
    const next = other.election('/e', text).campaign({ value: 'next' });
    await cluster.run(50);
    const said = await mine.resign({ to: 1 }).catch(messageOf);
    expect(said).toBe('Not in line: /e has no candidate 1. The office was given up all the same');
    expect((await next).held).toBe(true);
  });
});

const messageOf = (error: unknown): string => (error as Error).message;
