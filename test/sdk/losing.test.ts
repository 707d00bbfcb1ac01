/**
 * What can no longer be counted on is lost, and its holder is told before anything else (coordination §5): stalls,
 * partitions, crashes, lost notices, thieves and successors.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Hold, Namespace } from '../../browser-client/index.ts';
import { HaretError, text } from '../../browser-client/index.ts';
import { simulate } from '../../browser-client/testing.ts';
import type { SimulatedCluster } from '../../browser-client/testing.ts';
import { endOf } from './ends.ts';

let cluster: SimulatedCluster;
let one: Namespace;
let other: Namespace;

beforeEach(async () => {
  cluster = simulate({ seed: 5 });
  one = (await cluster.connect({ host: 'one' })).namespace('test');
  other = (await cluster.connect({ host: 'other' })).namespace('test');
});

afterEach(async () => {
  await cluster.close();
});

const reasonOf = ({ reason }: AbortSignal): unknown =>
  reason instanceof HaretError && reason.code === 'Lost' ? reason.details['reason'] : reason;

/** Says when a hold was lost. The time is that of the world. */
function losing(hold: Hold): { atMs: number } {
  const lost = { atMs: Infinity };
  hold.signal.addEventListener('abort', () => (lost.atMs = cluster.nowMs));
  return lost;
}

describe('a holder', () => {
  it('that stood still learns that it has lost before anything else, and its late write is refused', async () => {
    const mine = await one.lock('/l').acquire();
    const told: string[] = [];
    mine.signal.addEventListener('abort', () => told.push(`lost ${String(reasonOf(mine.signal))}`));
    const next = other.lock('/l').acquire();
    await cluster.run(100);
    // What comes while the loop stands still waits with everything else.
    const controller = new AbortController();
    const watching = endOf(
      (async () => {
        for await (const _ of one.watch('/x', { signal: controller.signal })) told.push('watched');
      })(),
    );
    await cluster.run(100);
    cluster.stall('one', 15_000);
    const patient = { timeoutMs: 60_000 };
    const read = one
      .blob('/x', text)
      .get(patient)
      .then(() => told.push('read'));
    const begun = cluster.nowMs;
    const theirs = await next;
    expect(cluster.nowMs - begun).toBeLessThan(11_000);
    await other.blob('/x', text).put('theirs');
    expect(told).toEqual([]);
    await cluster.run(15_000);
    expect(told[0]).toBe('lost lapsed');
    expect(told).toContain('watched');
    await read;
    const late = one.txn().if(mine.guard).do(one.blob('/x', text).op.put('late'));
    expect((await late.commit()).held).toBe(false);
    expect(await one.blob('/x', text).get()).toBe('theirs');
    expect([mine.held, theirs.held]).toEqual([false, true]);
    controller.abort();
    expect(await watching).toBe('Interrupted definite');
  });

  it.each(['release', 'acquire', 'keep-alive'])(
    'that stood still for longer than its lease, with a %s under way, is served again',
    async (what) => {
      const lease = { leaseMs: 1000, timeoutMs: 2000 };
      for (let ms = 0; ms <= 60; ms += 3) {
        const mine = await one.lock(`/l${ms}`).acquire(lease);
        if (what === 'keep-alive') await cluster.run(300);
        if (what === 'acquire') await mine.release();
        const pending =
          what === 'release' ? mine.release(lease) : what === 'acquire' ? one.lock(`/l${ms}`).acquire(lease) : null;
        const settled = pending?.then(
          () => 'settled',
          () => 'settled',
        );
        await cluster.run(ms);
        cluster.stall('one', 2500);
        await cluster.run(3000);
        const again = await one.lock(`/again${ms}`).acquire(lease);
        expect(again.held).toBe(true);
        await again.release();
        await settled;
      }
    },
  );

  it('that asks looks at the clock first', async () => {
    const mine = await one.lock('/l').acquire({ leaseMs: 1000 });
    cluster.stall('one', 5000);
    await cluster.run(980);
    expect(mine.held).toBe(true);
    await cluster.run(20);
    expect(mine.held).toBe(false);
    expect(reasonOf(mine.signal)).toBe('lapsed');
    expect(await mine.release()).toBe(false);
  });

  it.each([0.995, 1, 1.005])(
    'that is cut off gives up before another one is granted it, its clock %d as fast',
    async (rate) => {
      cluster.drift('one', rate);
      const mine = await one.lock('/l').acquire({ leaseMs: 5000 });
      const lost = losing(mine);
      const next = other.lock('/l').acquire();
      await cluster.run(7000);
      expect(mine.held).toBe(true);
      cluster.partition(['one'], [...cluster.nodes, 'other']);
      const cutMs = cluster.nowMs;
      const theirs = await next;
      expect(lost.atMs).toBeLessThan(cluster.nowMs);
      expect(cluster.nowMs - cutMs).toBeLessThan(5000 + 1000);
      expect(reasonOf(mine.signal)).toBe('lapsed');
      cluster.heal();
      await cluster.run(1000);
      expect([mine.held, theirs.held]).toEqual([false, true]);
    },
  );

  it('that was cut off for less than its lease has lost nothing', async () => {
    const mine = await one.lock('/l').acquire();
    for (let i = 0; i < 3; i++) {
      cluster.partition(['one'], cluster.nodes);
      await cluster.run(5000);
      cluster.heal();
      await cluster.run(5000);
    }
    expect([mine.held, mine.signal.aborted]).toEqual([true, false]);
    expect(await mine.release()).toBe(true);
  });

  it('keeps it while its primary dies, and while there is no primary at all no one else gets it', async () => {
    const mine = await one.lock('/l').acquire();
    const next = other.lock('/l').acquire();
    await cluster.run(100);
    const primary = cluster.primaryOf('test')!;
    cluster.crash(primary);
    await cluster.until(() => cluster.primaryOf('test') !== primary && cluster.primaryOf('test') !== null);
    await cluster.run(20_000);
    expect([mine.held, mine.signal.aborted]).toEqual([true, false]);
    cluster.restart(primary);
    await cluster.run(1000);
    // Without a majority nothing is renewed. The holder gives up, the cluster does not.
    const [a, b] = cluster.nodes.filter((name) => name !== cluster.primaryOf('test'));
    for (const node of [a!, b!]) cluster.crash(node);
    await cluster.run(30_000);
    expect([mine.held, reasonOf(mine.signal)]).toEqual([false, 'lapsed']);
    expect(cluster.claims('test', '/l').map(({ token }) => token)).toEqual([mine.token, 0]);
    for (const node of [a!, b!]) cluster.restart(node);
    await cluster.run(5000);
    const theirs = await next;
    expect(theirs.held).toBe(true);
    expect(theirs.token).toBeGreaterThan(mine.token);
  });

  it('from whom it was stolen lets go as soon as it hears', async () => {
    const mine = await one.lock('/l').acquire();
    const lost = losing(mine);
    const next = other.lock('/l').acquire();
    await cluster.run(100);
    const begun = cluster.nowMs;
    await other.lock('/l').steal();
    const theirs = await next;
    expect(cluster.nowMs - begun).toBeLessThan(100);
    expect(lost.atMs).toBeLessThanOrEqual(cluster.nowMs);
    expect(reasonOf(mine.signal)).toBe('stolen');
    const mine2 = await one.lock('/l').acquire({ steal: true });
    expect([theirs.held, mine2.held]).toEqual([false, true]);
  });

  it('from whom it was stolen while it did not hear keeps others out until it surely knows', async () => {
    const mine = await one.lock('/l').acquire({ leaseMs: 3000 });
    const lost = losing(mine);
    cluster.partition(['one'], [...cluster.nodes, 'other']);
    const begun = cluster.nowMs;
    const theirs = await other.lock('/l').acquire({ steal: true });
    expect(cluster.nowMs - begun).toBeGreaterThan(1900);
    expect(lost.atMs).toBeLessThan(cluster.nowMs);
    expect(theirs.held).toBe(true);
  });

  it('whose ClientID goes on in another process is told, and its locks are free', async () => {
    const before = await cluster.connect({ host: 'before', clientId: 'worker' });
    const mine = await before.namespace('test').lock('/l').acquire();
    const after = await cluster.connect({ host: 'after', clientId: before.identity! });
    const begun = cluster.nowMs;
    await after.namespace('test').blob('/x', text).put('here');
    const theirs = await after.namespace('test').lock('/l').acquire();
    expect(cluster.nowMs - begun).toBeLessThan(11_000);
    expect([mine.held, theirs.held]).toEqual([false, true]);
    await cluster.run(20_000);
    expect(reasonOf(mine.signal)).toBe('continued');
    expect(theirs.held).toBe(true);
    expect(await endOf(before.namespace('test').lock('/m').acquire({ timeoutMs: 3000 }))).not.toBe('no error');
  });

  it('is told when its program leaves', async () => {
    const mine = await one.lock('/l').acquire();
    one.leave();
    expect([mine.held, reasonOf(mine.signal)]).toEqual([false, 'closed']);
    expect((await other.lock('/l').acquire()).held).toBe(true);
  });

  it('whose work outlives the lock learns it by the end of it', async () => {
    const worked = endOf(one.lock('/l').with({ leaseMs: 1000 }, () => cluster.run(5000)));
    await cluster.run(500);
    cluster.partition(['one'], cluster.nodes);
    expect(await worked).toBe('Lost definite');
  });
});

describe('one who waits', () => {
  it('is granted it in the end, whatever notices are lost', async () => {
    const primary = cluster.primaryOf('test')!;
    const [far] = cluster.nodes.filter((name) => name !== primary);
    const remote = await cluster.connect({ host: 'far', nodes: [far!], followRedirects: false });
    const mine = await one.lock('/l').acquire();
    const next = remote.namespace('test').lock('/l').acquire();
    let granted = Infinity;
    void next.then(
      () => (granted = cluster.nowMs),
      () => undefined,
    );
    await cluster.run(5000);
    // The grant is told to the node of the one who waits, and to it alone: that word is lost.
    cluster.partition([primary], [far!]);
    await mine.release();
    await cluster.run(300);
    cluster.heal();
    expect([granted, cluster.claims('test', '/l')[0]!.token > mine.token]).toEqual([Infinity, true]);
    const begun = cluster.nowMs;
    expect((await next).held).toBe(true);
    expect(granted - begun).toBeLessThan(4000);
  });

  it('is told that its place is lost with its session, and can ask again', async () => {
    await one.lock('/l').acquire();
    const next = endOf(other.lock('/l').acquire());
    await cluster.run(100);
    cluster.partition(['other'], [...cluster.nodes, 'one']);
    await cluster.run(15_000);
    cluster.heal();
    expect(await next).toBe('Lost definite');
    expect(cluster.claims('test', '/l')).toHaveLength(1);
    const again = other.lock('/l').acquire();
    one.leave();
    expect((await again).held).toBe(true);
  });

  it('does not believe in a grant that it cannot count on any more', async () => {
    const mine = await one.lock('/l').acquire();
    const next = other.lock('/l').acquire({ leaseMs: 2000 });
    const end = endOf(next);
    await cluster.run(5000);
    cluster.stall('other', 2500);
    await mine.release();
    // The notice comes first. It is not believed, because the session may have ended since; and so it has.
    expect(await end).toBe('Lost definite');
    expect(cluster.claims('test', '/l')).toEqual([]);
  });
});
