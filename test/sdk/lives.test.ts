/** Ephemeral and sequential nodes, times to live and presence over a simulated cluster, as users test with it. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Haret, Namespace } from '../../browser-client/index.ts';
import { HaretError, json, text, withOptions } from '../../browser-client/index.ts';
import { blob, directory } from '../../browser-client/core.ts';
import { create, lock, presence, touch } from '../../browser-client/coordination.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';
import { endOf } from './ends.ts';

let cluster: SimulatedCluster;
let first: Haret;
let one: Namespace;
let other: Namespace;

beforeEach(async () => {
  cluster = simulate({ seed: 3 });
  first = await cluster.connect({ host: 'one' });
  one = first.namespace('test');
  other = (await cluster.connect({ host: 'other' })).namespace('test');
});

afterEach(async () => {
  await cluster.close();
});

const reasonOf = ({ reason }: AbortSignal): unknown =>
  reason instanceof HaretError && reason.code === 'Lost' ? reason.details['reason'] : reason;

describe('an ephemeral', () => {
  it('stays while its client lives, however idle, and goes when the client is closed', async () => {
    const made = await one.blob('/svc/a', text).create('here', { ephemeral: true });
    expect(made.path).toBe('/svc/a');
    await cluster.run(60_000);
    expect(await other.blob('/svc/a', text).get()).toBe('here');
    expect((await other.stat('/svc/a'))?.owner).toBe(one.session?.id);
    await first.close();
    await cluster.run(500);
    expect(await other.exists('/svc/a')).toBe(false);
    expect(await other.exists('/svc')).toBe(true);
  });

  it('is gone when its client has been silent for its lease, and never before', async () => {
    await one.blob('/a', text).create('here', { ephemeral: true });
    await cluster.run(5000);
    const from = cluster.nowMs;
    cluster.stall('one', 60_000);
    const updates = other.watch('/a');
    const { value } = await updates.next();
    expect(value?.changes).toMatchObject([{ kind: 'deleted', path: '/a', cause: 'session' }]);
    expect(cluster.nowMs - from).toBeGreaterThan(10_000 - 10_000 / 3 - 1000);
    expect(cluster.nowMs - from).toBeLessThan(11_500);
    await updates.return();
  });

  it('is adopted by its own client, and names its owner to others', async () => {
    const mine = one.blob('/a', text);
    await mine.create('one', { ephemeral: true });
    expect(await endOf(mine.create('two', { ephemeral: true }))).toBe('PathExists definite');
    expect(await mine.create('two', { ephemeral: true, adopt: true })).toMatchObject({ path: '/a', version: 1 });
    const refused = await other
      .blob('/a', text)
      .create('three', { ephemeral: true, adopt: true })
      .catch((error: unknown) => error as HaretError);
    expect((refused as HaretError).details).toMatchObject({ owner: one.session?.id });
    expect(Number((refused as HaretError).details['leftMs'])).toBeGreaterThan(5000);
  });

  it('can be made in a transaction, and its session is kept alive as well', async () => {
    const make = withOptions(one, one.counter('/n').op.create(5), { ephemeral: true });
    const done = await one.txn().if(one.directory('/').guard.exists()).do(make).commit();
    expect(done.results[0]).toMatchObject({ path: '/n', version: 0 });
    await cluster.run(30_000);
    expect(await other.counter('/n').get()).toBe(5);
    const guard = { kind: 'owner', path: '/n', session: one.session!.id } as const;
    expect((await other.txn().if(guard).commit()).held).toBe(true);
  });

  it('whose making was given up is not left behind', async () => {
    await one.blob('/x', text).put('there is a session');
    const controller = new AbortController();
    const making = endOf(one.blob('/a', text).create('here', { ephemeral: true, signal: controller.signal }));
    controller.abort();
    expect(await making).toMatch(/^Interrupted/);
    await cluster.run(2000);
    expect(await other.exists('/a')).toBe(false);
  });

  it('has another lease where it asks for one, and does not change that of others', async () => {
    await create(one, blob(one, '/long', text).op.create('x'), { ephemeral: true, leaseMs: 60_000 });
    await one.lock('/l').acquire();
    cluster.stall('one', 40_000);
    await other.lock('/l').acquire();
    expect(await other.exists('/long')).toBe(true);
  });
});

describe('a sequential node', () => {
  it('has a name that was never used and sorts behind all before it', async () => {
    const job = blob(one, '/jobs/job-', text);
    const paths: string[] = [];
    for (let i = 0; i < 3; i++) paths.push((await create(one, job.op.create(`${i}`), { sequential: true })).path);
    await one.delete(paths[2]!);
    paths.push((await one.blob('/jobs/job-', text).create('last', { sequential: true })).path);
    expect([...paths].sort()).toEqual(paths);
    expect(new Set(paths).size).toBe(4);
    expect(paths[0]).toMatch(/^\/jobs\/job-\d{16}$/);
    expect(await one.blob(paths[3]!, text).get()).toBe('last');
  });
});

describe('a time to live', () => {
  it('ends what nobody changes or touches, of any type', async () => {
    await one.blob('/t', text).create('x', { ttlMs: 5000 });
    await one.directory('/d').create({ ttlMs: 5000 });
    await create(one, lock(one, '/l').op.create(), { ttlMs: 5000 });
    await create(one, directory(one, '/stays').op.create(), { ttlMs: 3_600_000 });
    await create(one, one.semaphore('/s').op.create(3), { ttlMs: 5000 });
    expect((await one.semaphore('/s').info())?.capacity).toBe(3);
    for (let i = 0; i < 5; i++) {
      await cluster.run(3000);
      await one.touch('/t');
    }
    expect(await one.exists('/t')).toBe(true);
    for (const gone of ['/d', '/l', '/s']) expect([gone, await one.exists(gone)]).toEqual([gone, false]);
    expect(await one.blob('/t', text).read()).toMatchObject({ version: 0 });
    expect(await endOf(touch(one, '/'))).toBe('BadArgument definite');
    expect(await endOf(one.blob('/u', text).create('x', { ttlMs: 999 }))).toBe('BadArgument definite');
    await cluster.run(7000);
    expect(await one.exists('/t')).toBe(false);
    expect(await one.exists('/stays')).toBe(true);
  });
});

describe('presence', () => {
  interface At {
    readonly at: string;
  }

  it('shows who is in a room, what each says, and who left', async () => {
    const room = other.presence('/rooms/lobby', json<At>());
    const seen = room.live();
    const mine = await one.presence('/rooms/lobby', json<At>()).join({ at: 'door' }, { name: 'ann' });
    const theirs = await room.join({ at: 'bar' });
    expect(await room.members()).toEqual(
      new Map([
        ['ann', { at: 'door' }],
        [theirs.name, { at: 'bar' }],
      ]),
    );
    const stop = seen.subscribe(() => undefined);
    await cluster.until(() => seen.state.value?.size === 2);
    await mine.update({ at: 'window' });
    await cluster.until(() => seen.state.value?.get('ann')?.at === 'window');
    expect([mine.present, await mine.leave(), await mine.leave(), mine.present]).toEqual([true, true, false, false]);
    await cluster.until(() => seen.state.value?.size === 1);
    await theirs.leave();
    await cluster.until(() => seen.state.value?.size === 0);
    stop();
    // The room was made by the first who joined, and is gone with the last.
    expect(await other.exists('/rooms')).toBe(false);
    expect(await room.members()).toEqual(new Map());
  });

  it('does not take a short break for a leave, and a long one is', async () => {
    const room = presence(one, '/room', text);
    const mine = await room.join('here', { name: 'me' });
    cluster.stall('one', 20_000);
    await cluster.run(25_000);
    expect([mine.present, mine.signal.aborted]).toEqual([true, false]);
    expect([...(await presence(other, '/room', text).members()).keys()]).toEqual(['me']);
    cluster.stall('one', 45_000);
    await cluster.run(40_000);
    expect([...(await presence(other, '/room', text).members()).keys()]).toEqual([]);
    await cluster.run(10_000);
    expect([mine.present, reasonOf(mine.signal)]).toEqual([false, 'sessionGone']);
    expect(await endOf(mine.update('late'))).toBe('Lost definite');
    await using again = await room.join('back', { name: 'me' });
    expect(again.present).toBe(true);
  });

  it('tells a member that somebody took out, and lets nobody have the name of another', async () => {
    const mine = await one.presence('/room', text).join('here', { name: 'me' });
    expect(await endOf(other.presence('/room', text).join('there', { name: 'me' }))).toBe('PathExists definite');
    expect(await endOf(other.presence('/room', text).join('there', { name: 'a/b' }))).toBe('BadArgument definite');
    await other.delete('/room/me');
    await cluster.until(() => mine.signal.aborted);
    expect([mine.present, reasonOf(mine.signal)]).toEqual([false, 'deleted']);
    // What another one put there meanwhile is not his to change or to remove.
    await other.presence('/room', text).join('other', { name: 'me' });
    expect(await endOf(mine.update('mine'))).toBe('Lost definite');
    expect(await mine.leave()).toBe(false);
    expect(await other.presence('/room', text).members()).toEqual(new Map([['me', 'other']]));
  });
});
