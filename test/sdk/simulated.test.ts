/**
 * The SDK over a simulated cluster, as users test with it: every handle, transactions, and the effects of a failover.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Haret, Namespace } from '../../browser-client/index.ts';
import { HaretError, bytes, json, superjson, text } from '../../browser-client/index.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';
import { endOf } from './ends.ts';

let cluster: SimulatedCluster;
let haret: Haret;
let ns: Namespace;

beforeEach(async () => {
  cluster = simulate({ seed: 7 });
  haret = await cluster.connect();
  ns = haret.namespace('test');
});

afterEach(async () => {
  await cluster.close();
});

describe('a blob', () => {
  it('is absent, is put with the directories above it, and is deleted', async () => {
    const blob = ns.blob('/svc/a/greeting', text);
    expect(await blob.get()).toBeUndefined();
    expect(await blob.read()).toBeUndefined();
    expect(await blob.stat()).toBeUndefined();
    expect(await blob.size()).toBeUndefined();
    expect(await blob.exists()).toBe(false);
    expect(await blob.delete()).toBe(false);
    const written = await blob.put('hello');
    expect(written.version).toBe(0);
    expect(await blob.get()).toBe('hello');
    expect(await blob.read()).toEqual({ value: 'hello', version: 0, op: expect.any(Number) as number });
    expect(await blob.size()).toBe(5);
    expect((await blob.stat())?.type).toBe('blob');
    expect((await blob.put('hi')).version).toBe(1);
    expect(await blob.delete()).toBe(true);
    expect(await blob.exists()).toBe(false);
  });

  it('is guarded by version, absence and value', async () => {
    const blob = ns.blob('/b', text);
    await blob.create('1');
    expect(await endOf(blob.create('2'))).toBe('PathExists definite');
    expect(await endOf(blob.put('2', { ifAbsent: true }))).toBe('GuardFailed definite');
    expect(await endOf(blob.put('2', { ifVersion: 7 }))).toBe('GuardFailed definite');
    expect((await blob.put('2', { ifVersion: 0 })).version).toBe(1);
    expect(await endOf(blob.replace('1', '3'))).toBe('GuardFailed definite');
    await blob.replace('2', '3');
    expect(await blob.get()).toBe('3');
    expect(await endOf(ns.blob('/none', text).put('1', { ifVersion: 0 }))).toBe('PathNotFound definite');
    expect(await endOf(blob.delete({ ifVersion: 0 }))).toBe('GuardFailed definite');
  });

  it('is updated by a hundred writers without a lost update', async () => {
    const blob = ns.blob('/count', json<number>());
    const others = await Promise.all(Array.from({ length: 4 }, () => cluster.connect()));
    const updates = others.flatMap((other) =>
      Array.from({ length: 25 }, () =>
        other
          .namespace('test')
          .blob('/count', json<number>())
          .update((n = 0) => n + 1, { timeoutMs: 600_000 }),
      ),
    );
    await Promise.all(updates);
    expect(await blob.get()).toBe(100);
    expect(await blob.update(() => undefined)).toBeUndefined();
    expect(await blob.get()).toBe(100);
  });

  it('is not overwritten by an update that races with delete and create', async () => {
    const blob = ns.blob('/x', text);
    await blob.put('old');
    let calls = 0;
    const updated = await blob.update(async (current) => {
      if (calls++ === 0) {
        // The same value at the same version, after the node was made again.
        await blob.delete();
        await blob.put('old');
      } else if (calls === 2) {
        await blob.delete();
      }
      return `${String(current)}!`;
    });
    expect(calls).toBe(3);
    expect(updated?.value).toBe('undefined!');
  });

  it('says that a value is not what its codec takes, before anything is sent', async () => {
    await ns.blob('/t', text).put('{');
    expect(await endOf(ns.blob('/t', json()).get())).toBe('BadValue definite');
    expect(await endOf(ns.blob('/t', json<undefined>()).put(undefined))).toBe('BadValue definite');
    expect(await endOf(ns.queue('/q', json()).push(() => 1))).toBe('BadValue definite');
  });

  it('holds bytes and superjson', async () => {
    const raw = ns.blob('/raw', bytes);
    await raw.put(new Uint8Array([0, 255]));
    expect(await raw.get()).toEqual(new Uint8Array([0, 255]));
    const rich = ns.blob('/rich', superjson<{ at: Date; tags: Set<string>; raw: Uint8Array; n: bigint }>());
    const value = { at: new Date(5), tags: new Set(['a']), raw: new Uint8Array([1]), n: 5n };
    await rich.put(value);
    expect(await rich.get()).toEqual(value);
  });
});

describe('collections', () => {
  it('a queue is created by the first push, gives items in their order, and is listed in pages', async () => {
    const queue = ns.queue('/jobs/q', json<number>());
    expect(await queue.pop()).toBeUndefined();
    expect(await queue.length()).toBe(0);
    expect(await queue.items().toArray()).toEqual([]);
    for (let i = 0; i < 7; i++) await queue.push(i);
    expect(await queue.length()).toBe(7);
    expect(await queue.front()).toBe(0);
    expect(await queue.back()).toBe(6);
    expect(await queue.items({ pageSize: 3 }).toArray()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await queue.pop()).toBe(0);
    expect(await queue.length()).toBe(6);
  });

  it('a set has members, and is combined with other sets', async () => {
    const a = ns.set('/a', text);
    const b = ns.set('/b', text);
    expect(await a.contains('x')).toBe(false);
    expect(await a.remove('x')).toBe(false);
    expect(await a.insert('x')).toBe(true);
    expect(await a.insert('x')).toBe(false);
    await a.insert('y');
    await b.insert('y');
    await b.insert('z');
    expect(await a.size()).toBe(2);
    expect(await a.members({ pageSize: 1 }).toArray()).toEqual(['x', 'y']);
    expect(await a.union([b])).toEqual(['x', 'y', 'z']);
    expect(await a.intersection([b])).toEqual(['y']);
    expect(await a.difference(b)).toEqual(['x']);
    expect(await a.symmetricDifference(b)).toEqual(['x', 'z']);
    expect(await a.isSubsetOf(['x', 'y', 'z'])).toBe(true);
    expect(await a.isSubsetOf(b)).toBe(false);
    expect(await a.isSupersetOf(['x'])).toBe(true);
    expect(await a.remove('x')).toBe(true);
  });

  it('a counter starts at 0, and can go up and down', async () => {
    const counter = ns.counter('/n');
    expect(await counter.get()).toBe(0);
    expect(await counter.add()).toBe(1);
    expect(await counter.add(-3)).toBe(-2);
    await ns.counter('/m').create(40);
    expect(await ns.counter('/m').add(2)).toBe(42);
    expect(await endOf(ns.counter('/m').add(Number.MAX_SAFE_INTEGER))).toBe('CounterOverflow definite');
    expect(await endOf(ns.counter('/c').create(0.5))).toBe('BadValue definite');
  });

  it('a directory has entries, paths and handles beneath, and is deleted whole', async () => {
    const directory = ns.directory('/svc');
    expect(await directory.entries().toArray()).toEqual([]);
    await directory.blob('a', text).put('1');
    await directory.directory('deep').counter('n').add(1);
    await directory.queue('q', text).push('1');
    await directory.set('s', text).insert('1');
    const entries = await directory.entries({ pageSize: 2 }).toArray();
    expect(entries.map(({ path, type }) => `${path} ${type}`)).toEqual([
      '/svc/a blob',
      '/svc/deep directory',
      '/svc/q queue',
      '/svc/s set',
    ]);
    expect(await ns.directory().paths({ pageSize: 2 }).toArray()).toEqual([
      '/',
      '/svc',
      '/svc/a',
      '/svc/deep',
      '/svc/deep/n',
      '/svc/q',
      '/svc/s',
    ]);
    expect(await endOf(directory.delete())).toBe('DirectoryNotEmpty definite');
    expect(await ns.delete('/svc', { recursive: true })).toBe(true);
    expect(await ns.exists('/svc')).toBe(false);
    expect(await endOf(directory.create())).toBe('no error');
  });

  it('a path of another type is an error that says so', async () => {
    await ns.counter('/n').add();
    expect(await endOf(ns.blob('/n', text).get())).toBe('WrongType definite');
    expect(await endOf(ns.blob('/n', text).put('1'))).toBe('WrongType definite');
  });
});

describe('a transaction', () => {
  it('takes the branch that its guards choose, with a result for each operation', async () => {
    const config = ns.blob('/config', text);
    const runs = ns.counter('/runs');
    await config.put('one');
    await runs.create(1);
    const txn = ns
      .txn()
      .if(config.guard.value('one'), ns.directory('/lock').guard.absent())
      .do(config.op.put('two'), runs.op.add(1))
      .else(config.op.get());
    const first = await txn.commit();
    expect(first).toEqual({ held: true, results: [{ version: 1, op: first.op }, 2], op: first.op });
    expect(await txn.commit()).toMatchObject({ held: false, results: ['two'] });
  });

  it('fails whole, and names the operation', async () => {
    const runs = ns.counter('/runs');
    await runs.create(1);
    const error = await ns
      .txn()
      .do(runs.op.add(1), ns.blob('/none', text).op.put('1'))
      .commit()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'PathNotFound', details: { index: 1, part: 'then' } });
    expect(await runs.get()).toBe(1);
  });
});

describe('when things go wrong', () => {
  it('a write survives the primary, and is done once', async () => {
    const counter = ns.counter('/n');
    await counter.add();
    const states: string[] = [];
    haret.on('state', (state) => states.push(state));
    const primary = cluster.primaryOf('test')!;
    cluster.crash(primary);
    const began = cluster.nowMs;
    expect(await counter.add()).toBe(2);
    expect(cluster.nowMs).toBeGreaterThan(began);
    expect(cluster.primaryOf('test')).not.toBe(primary);
    expect(states).toEqual(['suspended', 'ready']);
    cluster.restart(primary);
    await cluster.run(2000);
    expect(await counter.add()).toBe(3);
  });

  it('a write that no node can answer ends with an unknown outcome, and one that was never sent with a definite one', async () => {
    const counter = ns.counter('/n');
    await counter.add();
    for (const node of cluster.nodes) cluster.pause(node);
    expect(await endOf(counter.add(1, { timeoutMs: 300 }))).toBe('Timeout unknown');
    const controller = new AbortController();
    controller.abort(new Error('no more'));
    const error = await counter.add(1, { signal: controller.signal }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'Interrupted', outcome: 'definite', cause: new Error('no more') });
    expect(await endOf(counter.get({ timeoutMs: 300 }))).toBe('Timeout definite');
  });

  it('a signal ends a call that waits', async () => {
    await ns.ready();
    cluster.partition(['client1'], cluster.nodes);
    const controller = new AbortController();
    const call = endOf(ns.counter('/n').add(1, { signal: controller.signal, timeoutMs: 60_000 }));
    await cluster.run(100);
    controller.abort();
    expect(await call).toMatch(/^Interrupted/);
    cluster.heal();
  });

  it('a local read is answered where no majority can be reached', async () => {
    const blob = ns.blob('/b', text);
    const { op } = await blob.put('1');
    await cluster.run(500);
    const [one, ...others] = cluster.nodes;
    const near = await cluster.connect({ host: 'near', nodes: [one!], followRedirects: false });
    await near.namespace('test').ready();
    cluster.partition([one!, 'near'], others);
    await cluster.run(3000);
    const same = near.namespace('test').blob('/b', text);
    expect(await same.get({ read: 'local' })).toBe('1');
    expect(await same.get({ read: { atLeast: op } })).toBe('1');
    expect(await endOf(same.get({ timeoutMs: 500 }))).toBe('Timeout definite');
  });

  it('an error names a namespace that does not exist, and a namespace that was left refuses calls', async () => {
    expect(await endOf(haret.namespace('nowhere').counter('/n').add())).toBe('UnknownNamespace definite');
    expect(() => haret.namespace('no/name')).toThrow(HaretError);
    const blob = ns.blob('/b', text);
    await blob.put('1');
    ns.leave();
    expect(await endOf(blob.get())).toBe('Closed definite');
    expect(await haret.namespace('test').blob('/b', text).get()).toBe('1');
  });

  it('a ClientID has one holder, which may continue in another process; the earlier process loses it', async () => {
    const first = await cluster.connect({ clientId: 'worker' });
    const counter = (client: Haret): Promise<number> =>
      client.namespace('test').counter('/n').add(1, { timeoutMs: 2000 });
    expect(await counter(first)).toBe(1);
    const stranger = await cluster.connect({ clientId: 'worker' });
    expect(await endOf(counter(stranger))).toBe('ClientIdHeld definite');
    const again = await cluster.connect({ clientId: first.identity! });
    expect(await counter(again)).toBe(2);
    // It continues where the first one ended, with its own session (protocol §7). Two processes never speak as one.
    const before = first.namespace('test').session!;
    const { id, continued } = again.namespace('test').session!;
    expect(id).toBeGreaterThan(before.id);
    expect(continued).toBe(true);
    expect(await endOf(counter(first))).toBe('SessionGone unknown');
    expect(await endOf(counter(first))).toBe('ClientIdTaken definite');
    expect(await counter(again)).toBe(3);
    expect(haret.identity).toBeNull();
    for (const clientId of ['', 'x'.repeat(65), { id: 'a', incarnation: 'b' }]) {
      expect(() => cluster.open({ clientId })).toThrow('clientId: expected');
    }
  });

  it('a ClientID whose holder died goes to the next one within seconds, while its first write waits', async () => {
    const first = await cluster.connect({ clientId: 'worker', host: 'first' });
    expect(await first.namespace('test').counter('/n').add()).toBe(1);
    cluster.partition(['first'], cluster.nodes);
    const second = await cluster.connect({ clientId: 'worker' });
    const askedAtMs = cluster.nowMs;
    expect(await second.namespace('test').counter('/n').add()).toBe(2);
    expect(cluster.nowMs - askedAtMs).toBeGreaterThan(4000);
    expect(cluster.nowMs - askedAtMs).toBeLessThan(8000);
    // The earlier holder is told when it is back.
    cluster.heal();
    expect(await endOf(first.namespace('test').counter('/n').add())).toBe('SessionGone unknown');
    expect(await endOf(first.namespace('test').counter('/n').add())).toBe('ClientIdHeld definite');
  });

  it('a session that expired during a network cut is reported as lost, its outstanding writes as unknown, and the next write has another session', async () => {
    await using small = simulate({ sessionMs: 45_000 });
    const far = await small.connect({ host: 'far' });
    const there = far.namespace('test');
    expect(await there.counter('/n').add()).toBe(1);
    const before = there.session!;
    const states: string[] = [];
    far.on('state', (state) => states.push(state));
    small.partition(['far'], small.nodes);
    const underWay = endOf(there.counter('/n').add(1, { timeoutMs: 3_600_000 }));
    await small.run(50_000);
    expect(far.state).toBe('suspended');
    small.heal();
    expect(await underWay).toBe('SessionGone unknown');
    await small.until(() => far.state === 'ready');
    expect(states).toEqual(['suspended', 'ready', 'lost', 'ready']);
    expect(await there.counter('/n').add()).toBe(2);
    expect(there.session).toMatchObject({ continued: false });
    expect(there.session!.id).toBeGreaterThan(before.id);
  });

  it('two namespaces do not see each other', async () => {
    const two = simulate({ namespaces: ['a', 'b'] });
    const client = await two.connect();
    await client.namespace('a').blob('/x', text).put('in a');
    await client.namespace('b').blob('/x', text).put('in b');
    expect(await client.namespace('a').blob('/x', text).get()).toBe('in a');
    expect(await client.namespaces()).toEqual(['a', 'b']);
    expect(two.primaryOf('a')).not.toBeNull();
    // The op that one namespace has seen does not count for another one that uses the connection later.
    const before = client.namespace('a');
    for (let i = 0; i < 50; i++) await before.counter('/n').add();
    expect(before.lastOp).toBeGreaterThan(50);
    before.leave();
    const after = client.namespace('a');
    expect(after.lastOp).toBe(0);
    expect(await after.counter('/n').get({ read: { atLeast: after.lastOp } })).toBe(50);
    await two.close();
  });

  it('closing ends calls under way with what is known of them', async () => {
    await ns.counter('/n').add();
    const call = endOf(ns.counter('/n').add());
    await haret.close();
    expect(await call).toBe('Closed unknown');
    expect(haret.state).toBe('closed');
    expect(await endOf(ns.counter('/n').get())).toBe('Closed definite');
    expect(() => haret.namespace('test')).toThrow('the client was closed');
  });

  it('a client that finds no node says where it looked', async () => {
    cluster.crash('n1');
    const error = await cluster.connect({ nodes: ['n1'], timeoutMs: 2000 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'NodeUnreachable', outcome: 'definite' });
    expect((error as HaretError).message).toContain('no node answered at n1:3: ');
  });

  it('the same seed gives the same times', async () => {
    const play = async (): Promise<number> => {
      await using world = simulate({ seed: 3 });
      const counter = (await world.connect()).namespace('test').counter('/n');
      await counter.add();
      world.crash(world.primaryOf('test')!);
      await counter.add();
      return world.nowMs;
    };
    expect(await play()).toBe(await play());
  });
});
