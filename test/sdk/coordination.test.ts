/** Locks and their like over a simulated cluster, as users test with it (coordination §5). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Haret, Namespace } from '../../browser-client/index.ts';
import { text } from '../../browser-client/index.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';
import { endOf } from './ends.ts';

let cluster: SimulatedCluster;
let one: Namespace;
let other: Namespace;
let first: Haret;

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
  });
});
