/** The stories of leases and of lines of claims, entry by entry (coordination §2 to §8). */

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import { restored, secret, snapshotOf } from './driver.ts';
import { Play, lockWish } from './play.ts';
import type { Wish } from './play.ts';

describe('a lock', () => {
  it('is granted in the order in which it was asked for, and each grant has a greater token', () => {
    const play = new Play();
    const [a, b, c] = [play.register(), play.register(), play.register()];
    const first = play.claim(a, '/locks/l');
    expect(first.token).toBe(first.claim);
    const second = play.claim(b, '/locks/l');
    expect(second).toMatchObject({ token: 0, ahead: 0 });
    expect(play.claim(c, '/locks/l')).toMatchObject({ token: 0, ahead: 1 });
    expect(play.tries(a, '/locks/l')).toBe('Held');
    play.release(a, '/locks/l', first.claim, first.token);
    expect(play.holders('/locks/l')).toEqual([b]);
    const [told] = play.alive(b)!;
    expect(told).toMatchObject({ kind: 'granted', claim: second.claim, token: play.op - 1 });
    expect(play.held('/locks/l', first.token)).toBe(false);
    expect(play.held('/locks/l', told!.token)).toBe(true);
  });

  it('that a claim made goes with its last claim, and takes its directories along; one that was created stays', () => {
    const play = new Play();
    const a = play.register();
    const one = play.claim(a, '/made/here/l');
    play.release(a, '/made/here/l', one.claim, one.token);
    expect(play.exists('/made')).toBe(false);
    const two = play.claim(a, '/made/here/l');
    play.ask(a, { kind: 'create', path: '/made/here/l', type: 'lock', value: null });
    play.release(a, '/made/here/l', two.claim, two.token);
    expect(play.exists('/made/here/l')).toBe(true);
  });

  it('is shared by readers, and no reader overtakes a writer who waits', () => {
    const play = new Play();
    const [a, b, c, d] = [play.register(), play.register(), play.register(), play.register()];
    const shared = { exclusive: false };
    const first = play.claim(a, '/l', shared);
    const second = play.claim(b, '/l', shared);
    play.claim(c, '/l');
    expect(play.claim(d, '/l', shared).token).toBe(0);
    play.release(a, '/l', first.claim, first.token);
    expect(play.holders('/l')).toEqual([b]);
    play.release(b, '/l', second.claim, second.token);
    expect(play.holders('/l')).toEqual([c]);
  });

  it('is released only by its holder, only with its token, and only once', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    const one = play.claim(a, '/l');
    play.claim(b, '/l');
    expect(play.release(b, '/l', one.claim, one.token)).toBe('NotHeld');
    expect(play.release(a, '/l', one.claim, one.token + 1)).toBe('NotHeld');
    play.release(a, '/l', one.claim, one.token);
    expect(play.release(a, '/l', one.claim, one.token)).toBe('NotHeld');
    expect(play.holders('/l')).toEqual([b]);
  });

  it('does not wait for someone who gave up, whatever became of the claim', () => {
    const play = new Play();
    const [a, b, c] = [play.register(), play.register(), play.register()];
    const one = play.claim(a, '/l');
    const two = play.claim(b, '/l');
    play.claim(c, '/l');
    expect(play.ask(b, { kind: 'abandon', path: '/l', claim: two.claim, request: 0 })).toMatchObject({
      was: 'waiting',
    });
    expect(play.ask(b, { kind: 'abandon', path: '/l', claim: two.claim, request: 0 })).toMatchObject({
      was: 'nothing',
    });
    // By the number of the request that made it, when its answer was lost.
    expect(play.ask(a, { kind: 'abandon', path: '/l', claim: 0, request: 1 })).toMatchObject({ was: 'granted' });
    expect(play.holders('/l')).toEqual([c]);
    expect(play.release(a, '/l', one.claim, one.token)).toBe('NotHeld');
  });

  it('is not deleted while it is held, and those who wait for a deleted one are told', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    const one = play.claim(a, '/d/l');
    const two = play.claim(b, '/d/l', { waitMs: 5000 });
    expect(play.ask(a, { kind: 'delete', path: '/d', recursive: true, ifVersion: null })).toBe('Held');
    play.ask(a, { kind: 'create', path: '/d', type: 'directory', value: null });
    const txn = {
      kind: 'transaction',
      guards: [],
      then: [
        { kind: 'release', path: '/d/l', claim: one.claim, token: one.token, to: 0 },
        { kind: 'delete', path: '/d/l', recursive: false, ifVersion: null },
      ],
      otherwise: [],
    } as const;
    expect(play.request(a, 90, txn, 90).answer).toMatchObject({ kind: 'result' });
    expect(play.alive(b)).toMatchObject([{ kind: 'ended', reason: 'deleted', claim: two.claim }]);
    play.wait(6000);
    expect(play.service.deadline()).toBeGreaterThan(play.now);
  });
});

describe('a lease', () => {
  it('ends by an entry, and all that the session had goes to the next in one step', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    play.claim(a, '/l', { leaseMs: 2000 });
    play.claim(a, '/m', { leaseMs: 2000 });
    play.claim(b, '/l', { leaseMs: 60_000 });
    play.claim(b, '/m');
    play.wait(1999);
    play.expire();
    expect(play.holders('/l')).toEqual([a]);
    play.wait(1);
    expect(play.service.deadline()).toBe(play.now);
    play.expire();
    expect([play.holders('/l'), play.holders('/m')]).toEqual([[b], [b]]);
    expect(play.ask(a, { kind: 'blobPut', path: '/x', value: utf8('late'), ifVersion: null, ifAbsent: false })).toBe(
      'SessionGone',
    );
  });

  it('that is due is over, and nothing renews it', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    play.claim(a, '/l', { leaseMs: 2000 });
    play.claim(b, '/l', { leaseMs: 60_000 });
    play.wait(2000);
    expect(play.alive(a)).toBeNull();
    expect(play.holders('/l')).toEqual([b]);
  });

  it('is renewed by what is executed and by keep-alives, and is set once', () => {
    const play = new Play();
    const a = play.register();
    play.claim(a, '/l', { leaseMs: 2000 });
    for (let i = 0; i < 3; i++) {
      play.wait(1500);
      if (i % 2 === 0) expect(play.alive(a)).toEqual([]);
      else expect(play.tries(a, '/l')).toBe('Held');
    }
    expect(play.holders('/l')).toEqual([a]);
    expect(play.tries(a, '/n', { leaseMs: 3000 })).toBe('BadArgument');
    expect(play.exists('/n')).toBe(false);
  });

  it('waits only as long as was asked, and what is due is not granted', () => {
    const play = new Play();
    const [a, b, c] = [play.register(), play.register(), play.register()];
    const one = play.claim(a, '/l', { leaseMs: 60_000 });
    const two = play.claim(b, '/l', { waitMs: 500, leaseMs: 60_000 });
    play.claim(c, '/l', { leaseMs: 60_000 });
    play.wait(500);
    // Before the entry that ends the wait, the lock becomes free.
    play.release(a, '/l', one.claim, one.token);
    expect(play.holders('/l')).toEqual([c]);
    play.expire();
    expect(play.alive(b)).toMatchObject([{ kind: 'ended', reason: 'waitOver', claim: two.claim }]);
  });

  it('tells what happened until it was heard, and then no more', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    const one = play.claim(a, '/l');
    play.claim(b, '/l');
    play.release(a, '/l', one.claim, one.token);
    expect(play.alive(b)).toHaveLength(1);
    expect(play.alive(b)).toHaveLength(1);
    expect(play.alive(b, play.op)).toEqual([]);
    expect(play.service.takeNotices()).toMatchObject([{ session: b, record: { kind: 'granted' } }]);
  });

  it('ends in slices when many end together', () => {
    const play = new Play();
    for (let i = 0; i < 700; i++) play.claim(play.register(), `/l${i}`, { leaseMs: 1000 });
    play.wait(1000);
    play.expire();
    expect(play.service.sessionCount).toBe(700 - 512);
    expect(play.service.deadline()).toBe(1000);
    play.expire();
    expect([play.service.sessionCount, play.service.deadline(), play.service.tree.keys]).toEqual([0, null, 0]);
  });

  it('is in a snapshot with all that belongs to it', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    play.claim(a, '/l', { leaseMs: 2000 });
    play.claim(b, '/l', { leaseMs: 2000, waitMs: 100 });
    const copy = restored(snapshotOf(play.service));
    expect(snapshotOf(copy)).toEqual(snapshotOf(play.service));
    expect(copy.deadline()).toBe(100);
    play.wait(2000);
    const entry = play.entry(0, 0, 0, new Uint8Array([5]));
    expect(copy.apply(entry)).toEqual(play.service.apply(entry));
    expect(snapshotOf(copy)).toEqual(snapshotOf(play.service));
    expect(copy.tree.keys).toBe(0);
  });
});

describe('what is taken from a living holder', () => {
  it('goes to the next only when the holder can no longer count on it, or says that it has heard', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    const one = play.claim(a, '/l', { leaseMs: 2000 });
    play.claim(b, '/l', { leaseMs: 60_000 });
    play.wait(500);
    const thief = play.register();
    play.ask(thief, { kind: 'steal', path: '/l', claim: 0, put: null });
    expect(play.held('/l', one.token)).toBe(false);
    expect(play.holders('/l')).toEqual([]);
    expect(play.alive(a)).toMatchObject([{ kind: 'revoked', reason: 'stolen', until: 2000 }]);
    play.wait(1499);
    play.expire();
    expect(play.holders('/l')).toEqual([]);
    play.wait(1);
    play.expire();
    expect(play.holders('/l')).toEqual([b]);
  });

  it('comes first to one who stole it for itself, as soon as the holder lets go', () => {
    const play = new Play();
    const [a, b, c] = [play.register(), play.register(), play.register()];
    const one = play.claim(a, '/l');
    play.claim(b, '/l');
    const put = { permits: 1, exclusive: true, value: null, waitMs: null, leaseMs: null, auto: null, of: null };
    expect(play.ask(c, { kind: 'steal', path: '/l', claim: 0, put })).toMatchObject({ token: 0, ahead: 0 });
    play.release(a, '/l', one.claim, one.token);
    expect(play.holders('/l')).toEqual([c]);
  });

  it('is a shadow when another process goes on with the ClientID', () => {
    const play = new Play();
    const identity = { id: 'worker', incarnation: 'ab'.repeat(16) };
    const bind = (attempt: number): number => {
      const { answer } = play.own({ kind: 'bind', client: 'w', identity, attempt, previous: 0, secret });
      return answer.kind === 'bound' ? answer.session : 0;
    };
    const before = bind(1);
    const one = play.claim(before, '/l', { leaseMs: 2000 });
    play.wait(1000);
    const after = bind(2);
    expect(after).toBeGreaterThan(before);
    expect(play.held('/l', one.token)).toBe(false);
    const again = play.claim(after, '/l', { leaseMs: 2000 });
    expect(again.token).toBe(0);
    expect(play.tries(before, '/m')).toBe('SessionGone');
    play.wait(1000);
    play.expire();
    expect(play.holders('/l')).toEqual([after]);
  });
});

describe('other lines of claims', () => {
  it('a semaphore gives permits in order, also to the heavy, and is never resized below what is held', () => {
    const play = new Play();
    const [a, b, c] = [play.register(), play.register(), play.register()];
    const some = (permits: number): Wish => ({ permits, exclusive: false, auto: 'semaphore', of: 3 });
    const one = play.claim(a, '/s', some(2));
    play.claim(b, '/s', some(2));
    expect(play.claim(c, '/s', some(1)).token).toBe(0);
    expect(play.ask(a, { kind: 'semaphoreResize', path: '/s', capacity: 1 })).toBe('Held');
    expect(play.tries(c, '/s', { ...some(4) })).toBe('BadArgument');
    play.release(a, '/s', one.claim, one.token);
    expect(play.holders('/s')).toEqual([b, c]);
  });

  it('a barrier lets all pass at once, and then everyone', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    play.ask(a, { kind: 'create', path: '/b', type: 'barrier', value: null });
    const at = { exclusive: false, auto: null };
    play.claim(a, '/b', at);
    play.claim(b, '/b', at);
    play.ask(a, { kind: 'barrierSet', path: '/b', open: true });
    expect([play.alive(a), play.alive(b)]).toMatchObject([[{ kind: 'passed' }], [{ kind: 'passed' }]]);
    expect(play.claim(a, '/b', at).token).toBe(play.op);
    expect(play.claims('/b')).toEqual([]);
  });

  it('an election has one leader with a term and a value, and says when there is none', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    const candidate = (value: string): Wish => ({ auto: 'election', value: utf8(value) });
    const one = play.claim(a, '/e', candidate('a'));
    play.claim(b, '/e', candidate('b'));
    play.ask(a, { kind: 'proclaim', path: '/e', claim: one.claim, token: one.token, value: utf8('a2') });
    const leader = (): unknown => play.read({ kind: 'leader', path: '/e' });
    expect(leader()).toMatchObject({ result: { leader: { session: a, token: one.token, value: utf8('a2') } } });
    play.ask(a, { kind: 'create', path: '/e', type: 'election', value: null });
    play.release(a, '/e', one.claim, one.token);
    expect(leader()).toMatchObject({ result: { leader: { session: b, value: utf8('b') } } });
    play.own({ kind: 'unregister', session: b, secret });
    expect(leader()).toMatchObject({ result: { leader: null } });
    const kinds = [...play.service.history.after(0)].flatMap(({ changes }) => changes.map(({ kind }) => kind));
    expect(kinds.filter((kind) => kind === 'vacant')).toHaveLength(1);
  });

  it('several locks are taken in one transaction, all or none', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    play.claim(a, '/two');
    const both = {
      kind: 'transaction',
      guards: [],
      then: [lockWish('/one'), lockWish('/two')],
      otherwise: [],
    } as const;
    expect(play.request(b, 1, both).answer).toMatchObject({ error: { code: 'Held' } });
    expect(play.exists('/one')).toBe(false);
    const other = {
      kind: 'transaction',
      guards: [],
      then: [lockWish('/one'), lockWish('/three')],
      otherwise: [],
    } as const;
    expect(play.request(b, 2, other).answer).toMatchObject({ kind: 'result' });
    expect([play.holders('/one'), play.holders('/three')]).toEqual([[b], [b]]);
  });
});
