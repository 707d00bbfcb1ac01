/** The stories of ephemeral and sequential nodes, and of nodes with a time to live, entry by entry (coordination §9). */

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import type { Body } from '../../core/service/body.ts';
import { maxBelongings } from '../../core/service/sessions.ts';
import type { Guard, Operation, SimpleOperation, Stat } from '../../core/tree/operation.ts';
import { createWith, ephemeral } from '../tree/lives.ts';
import { ask } from '../tree/world.ts';
import { restored, secret, snapshotOf } from './driver.ts';
import { Play, lockWish } from './play.ts';

class Lives extends Play {
  stat(path: string): Stat | null {
    const answer = this.read(ask.stat(path));
    return answer.kind === 'result' && answer.result.kind === 'stat' ? answer.result.stat : null;
  }

  paths(): readonly string[] {
    const answer = this.read(ask.keys('/'));
    return answer.kind === 'result' && answer.result.kind === 'paths' ? answer.result.paths.slice(1) : [];
  }

  /** The changes of the last entry: what happened to which path, and why. */
  last(): readonly (readonly [kind: string, path: string, cause: string | null])[] {
    const [record] = [...this.service.history.after(this.op - 1)];
    return (record?.changes ?? []).map(({ kind, path, cause }) => [kind, path, cause]);
  }

  /** The path of a node that was made with options. */
  made(session: number, operation: Operation): string {
    const result = this.ask(session, operation);
    if (typeof result === 'string' || result.kind !== 'created') throw new Error(JSON.stringify(result));
    return result.path;
  }

  details(session: number, operation: Operation): Readonly<Record<string, unknown>> {
    const { answer } = this.request(session, 1000 + this.op, operation);
    return answer.kind === 'error' ? { code: answer.error.code, ...answer.error.details } : { code: 'none' };
  }

  holds(...guards: readonly Guard[]): boolean {
    const answer = this.read({ kind: 'transaction', guards, then: [], otherwise: [] });
    return answer.kind === 'result' && answer.result.kind === 'transaction' && answer.result.held;
  }

  bind(attempt: number, previous = 0): number {
    const identity = { id: 'who', incarnation: 'ab'.repeat(16) };
    const body: Body = { kind: 'bind', client: 'c', identity, attempt, previous, secret };
    const { answer } = this.own(body);
    if (answer.kind !== 'bound') throw new Error(JSON.stringify(answer));
    return answer.session;
  }
}

describe('an ephemeral', () => {
  it('ends with its session by one entry, and the directories above it stay', () => {
    const play = new Lives();
    const [a, b] = [play.register(), play.register()];
    play.made(a, ephemeral('/svc/a', 'one'));
    play.made(a, createWith('/svc/n', { type: 'counter', ephemeral: true }));
    play.made(b, ephemeral('/svc/b', 'two'));
    expect(play.stat('/svc/a')).toMatchObject({ type: 'blob', owner: a, ttlMs: null });
    play.own({ kind: 'unregister', session: a, secret });
    expect(play.paths()).toEqual(['/svc', '/svc/b']);
    expect(play.last()).toEqual([
      ['deleted', '/svc/a', 'session'],
      ['deleted', '/svc/n', 'session'],
    ]);
  });

  it('lives as long as its session, which it gives a lease, and never shorter', () => {
    const play = new Lives();
    const a = play.register();
    const made = play.ask(a, createWith('/a', { ephemeral: true, leaseMs: 3000 }));
    expect(made).toMatchObject({ kind: 'created', path: '/a', version: 0, created: 2, clock: 0, changed: 0 });
    play.wait(2999);
    play.expire();
    expect(play.exists('/a')).toBe(true);
    expect(play.alive(a)).toEqual([]);
    play.wait(2999);
    play.expire();
    expect(play.exists('/a')).toBe(true);
    expect(play.service.deadline()).toBe(5999);
    play.wait(1);
    play.expire();
    expect(play.exists('/a')).toBe(false);
    expect(play.service.deadline()).toBeNull();
  });

  it('is gone before the next request of a session that was due is executed', () => {
    const play = new Lives();
    const [a, b] = [play.register(), play.register()];
    play.made(a, ephemeral('/a', ''));
    play.wait(500);
    play.alive(b);
    play.wait(9600);
    expect(play.ask(a, ask.put('/a', 'late'))).toBe('SessionGone');
    expect(play.exists('/a')).toBe(false);
  });

  it('is read, written and deleted like any node, and its owner stays', () => {
    const play = new Lives();
    const [a, b] = [play.register(), play.register()];
    play.made(a, ephemeral('/a', 'one'));
    expect(play.ask(b, ask.put('/a', 'two'))).toMatchObject({ kind: 'done', version: 1 });
    expect(play.stat('/a')).toMatchObject({ owner: a, version: 1 });
    expect(play.holds({ kind: 'owner', path: '/a', session: a })).toBe(true);
    expect(play.holds({ kind: 'owner', path: '/a', session: b })).toBe(false);
    expect(play.holds({ kind: 'owner', path: '/', session: 0 })).toBe(false);
    const id = play.stat('/a')!.created;
    play.ask(b, ask.delete('/a'));
    // Its owner did not do that, and must hear of it.
    expect(play.alive(a)).toEqual([
      { op: play.op - 1, path: '/a', claim: id, kind: 'lost', token: 0, reason: 'deleted', until: null, items: [] },
    ]);
    play.made(a, ephemeral('/a', 'three'));
    play.ask(a, ask.delete('/a'));
    expect(play.alive(a, play.op)).toEqual([]);
  });

  it('is lost with the directory that somebody deletes', () => {
    const play = new Lives();
    const [a, b, c] = [play.register(), play.register(), play.register()];
    play.made(a, ephemeral('/d/e/a', ''));
    play.made(b, ephemeral('/d/b', ''));
    play.ask(c, ask.delete('/d', true));
    expect(play.alive(a)).toMatchObject([{ kind: 'lost', path: '/d/e/a' }]);
    expect(play.alive(b)).toMatchObject([{ kind: 'lost', path: '/d/b' }]);
    expect(play.last()).toEqual([]);
    play.own({ kind: 'unregister', session: a, secret });
    expect(play.last()).toEqual([]);
  });

  it('says whose it is and for how long, to whoever finds it in the way', () => {
    const play = new Lives();
    const [a, b] = [play.register(), play.register()];
    play.made(a, ephemeral('/a', ''));
    play.made(a, createWith('/t', { ttlMs: 4000 }));
    play.wait(900);
    play.alive(b);
    expect(play.details(b, ephemeral('/a', '', true))).toEqual({
      code: 'PathExists',
      path: '/a',
      owner: a,
      leftMs: 9100,
    });
    expect(play.details(b, ask.create('/a', 'blob'))).toMatchObject({ owner: a, leftMs: 9100 });
    expect(play.details(b, ask.create('/t', 'blob'))).toEqual({ code: 'PathExists', path: '/t', leftMs: 3100 });
  });

  it('is adopted by its own session, and by no other', () => {
    const play = new Lives();
    const [a, b] = [play.register(), play.register()];
    play.made(a, ephemeral('/a', 'one'));
    expect(play.ask(a, ephemeral('/a', 'one'))).toBe('PathExists');
    expect(play.ask(a, ephemeral('/a', 'two', true))).toMatchObject({ kind: 'created', path: '/a', version: 1 });
    expect(play.last()).toEqual([['put', '/a', null]]);
    expect(play.ask(b, ephemeral('/a', 'three', true))).toBe('PathExists');
    expect(play.ask(a, createWith('/a', { type: 'set', ephemeral: true, adopt: true }))).toBe('PathExists');
    play.ask(a, ask.create('/p', 'blob'));
    expect(play.ask(a, ephemeral('/p', 'three', true))).toBe('PathExists');
  });

  it('goes on with the process that continues its ClientID, and then ends with that', () => {
    const play = new Lives();
    const first = play.bind(1);
    play.made(first, ephemeral('/a', 'one'));
    play.wait(1000);
    const second = play.bind(2);
    expect(play.stat('/a')).toMatchObject({ owner: second, version: 0 });
    expect(play.last()).toEqual([]);
    expect(play.ask(first, ask.put('/a', 'late'))).toBe('SessionGone');
    expect(play.made(second, ephemeral('/a', 'two', true))).toBe('/a');
    const { deadline } = { deadline: play.service.deadline() };
    expect(deadline).toBe(11_000);
    expect(restored(snapshotOf(play.service)).deadline()).toBe(deadline);
    play.wait(10_000);
    play.expire();
    expect(play.exists('/a')).toBe(false);
  });

  it('is one of the things of which a session has a bounded number', () => {
    const play = new Lives();
    const a = play.register();
    for (let i = 0; i < maxBelongings; i++) play.made(a, ephemeral(`/e/${i}`, ''));
    expect(play.ask(a, ephemeral('/e/more', ''))).toBe('LimitExceeded');
    expect(play.ask(a, lockWish('/l'))).toBe('LimitExceeded');
    expect(play.made(a, ephemeral('/e/7', 'again', true))).toBe('/e/7');
    play.own({ kind: 'unregister', session: a, secret });
    expect(play.paths()).toEqual(['/e']);
  });

  it('is refused where it makes no sense', () => {
    const play = new Lives();
    const a = play.register();
    const wrong: readonly SimpleOperation[] = [
      createWith('/a', { type: 'directory', ephemeral: true }),
      createWith('/a', { type: 'lock', ephemeral: true }),
      createWith('/a', { adopt: true }),
      createWith('/a', { ephemeral: true, sequential: true, adopt: true }),
      createWith('/a', { leaseMs: 5000 }),
      createWith('/a', { capacity: 3 }),
      createWith('/a', { type: 'semaphore' }),
      createWith('/a', { type: 'set', value: utf8('x') }),
      { kind: 'touch', path: '/' },
    ];
    for (const one of wrong) expect([one, play.ask(a, one)]).toEqual([one, 'BadArgument']);
    play.made(a, createWith('/e', { ephemeral: true, leaseMs: 5000 }));
    expect(play.ask(a, createWith('/f', { ephemeral: true, leaseMs: 6000 }))).toBe('BadArgument');
    expect(play.ask(a, { kind: 'touch', path: '/e' })).toBe('BadArgument');
    expect(play.ask(a, { kind: 'touch', path: '/none' })).toBe('PathNotFound');
    expect(play.paths()).toEqual(['/e']);
  });
});

describe('a sequential node', () => {
  it('has the op of its entry in its name, and the later ones of a transaction count', () => {
    const play = new Lives();
    const a = play.register();
    expect(play.made(a, createWith('/q/job-', { sequential: true }))).toBe('/q/job-0000000000000002');
    const one = createWith('/q/job-', { sequential: true });
    const { answer } = play.request(a, 1000, ask.txn([], [one, one, createWith('/other-', { sequential: true })]));
    expect(answer).toMatchObject({
      result: {
        results: [
          { path: '/q/job-0000000000000003' },
          { path: '/q/job-0000000000000003.0001' },
          { path: '/other-0000000000000003.0002' },
        ],
      },
    });
  });

  it('never has a name twice, whatever is deleted or restored', () => {
    const play = new Lives();
    const a = play.register();
    const wish = createWith('/s-', { sequential: true, ephemeral: true });
    const first = play.made(a, wish);
    play.ask(a, ask.delete(first));
    const other = restored(snapshotOf(play.service));
    const second = play.made(a, wish);
    other.apply(play.log.at(-1)!);
    expect(second > first).toBe(true);
    expect(Buffer.concat(snapshotOf(other)).equals(Buffer.concat(snapshotOf(play.service)))).toBe(true);
  });
});

describe('a time to live', () => {
  it('is counted from the last change by the clock of the log; reads do not renew it, a touch does and changes nothing', () => {
    const play = new Lives();
    const a = play.register();
    play.made(a, createWith('/t', { ttlMs: 5000, value: utf8('one') }));
    play.wait(900);
    play.ask(a, ask.put('/t', 'two'));
    const before = play.stat('/t');
    expect(before).toMatchObject({ ttlMs: 5000, version: 1 });
    play.wait(900);
    play.read(ask.get('/t'));
    expect(play.ask(a, { kind: 'touch', path: '/t' })).toEqual({ kind: 'done', version: 1 });
    expect(play.last()).toEqual([]);
    expect(play.stat('/t')).toEqual(before);
    expect(play.stat('/')).toMatchObject({ version: 2 });
    play.own({ kind: 'unregister', session: a, secret });
    play.wait(4999);
    play.expire();
    expect(play.exists('/t')).toBe(true);
    expect(play.service.deadline()).toBe(6800);
    play.wait(1);
    play.expire();
    expect(play.last()).toEqual([['deleted', '/t', 'ttl']]);
    expect(play.service.deadline()).toBeNull();
  });

  it('of a directory counts from what happens in it, and it goes with the last that is in it', () => {
    const play = new Lives();
    const a = play.register();
    play.made(a, createWith('/d', { type: 'directory', ttlMs: 2000 }));
    play.ask(a, ask.create('/d/x', 'blob'));
    play.made(a, createWith('/d/y', { ttlMs: 3000 }));
    play.wait(2500);
    play.expire();
    expect(play.paths()).toEqual(['/d', '/d/x', '/d/y']);
    // It is due, but kept. So it has no deadline of its own, here as on a replica that was restored.
    expect([play.service.deadline(), restored(snapshotOf(play.service)).deadline()]).toEqual([3000, 3000]);
    const b = play.register();
    play.ask(b, ask.delete('/d/x'));
    // That was a change of the directory.
    play.wait(600);
    play.expire();
    expect(play.last()).toEqual([['deleted', '/d/y', 'ttl']]);
    expect(play.paths()).toEqual(['/d']);
    play.alive(b);
    play.ask(b, ask.create('/d/z', 'blob'));
    play.wait(2500);
    const c = play.register();
    play.ask(c, ask.delete('/d/z'));
    expect(play.last()).toEqual([['deleted', '/d', null]]);
    expect(play.paths()).toEqual([]);
  });

  it('of a lock ends when nobody has it or waits for it', () => {
    const play = new Lives();
    const [a, b] = [play.register(), play.register()];
    play.made(a, createWith('/l', { type: 'lock', ttlMs: 1000 }));
    const one = play.claim(a, '/l');
    const two = play.claim(b, '/l');
    play.wait(5000);
    play.alive(a);
    play.alive(b);
    play.expire();
    play.release(a, '/l', one.claim, one.token);
    expect(play.holders('/l')).toEqual([b]);
    play.wait(2000);
    play.expire();
    expect(play.exists('/l')).toBe(true);
    expect(restored(snapshotOf(play.service)).deadline()).toBe(play.service.deadline());
    play.release(b, '/l', two.claim, play.claims('/l')[0]!.token);
    expect(play.last().at(-1)).toEqual(['deleted', '/l', 'ttl']);
  });

  it('and a session: whichever is over first ends an ephemeral', () => {
    const play = new Lives();
    const [a, b] = [play.register(), play.register()];
    play.made(a, createWith('/x', { ephemeral: true, ttlMs: 2000 }));
    play.made(b, createWith('/y', { ephemeral: true, ttlMs: 60_000 }));
    const { created } = play.stat('/x')!;
    play.wait(2000);
    play.expire();
    expect(play.last()).toEqual([['deleted', '/x', 'ttl']]);
    expect(play.alive(a)).toMatchObject([{ kind: 'lost', claim: created, reason: 'timeUp' }]);
    play.wait(8000);
    play.expire();
    expect(play.last()).toEqual([['deleted', '/y', 'session']]);
  });

  it('of very many ends in slices, the same on every replica', () => {
    const play = new Lives();
    const a = play.register();
    for (let i = 0; i < 2500; i++) play.made(a, createWith(`/t/${i}`, { ttlMs: 1000 + (i % 7) }));
    const other = restored(snapshotOf(play.service));
    play.wait(900);
    play.alive(a);
    other.apply(play.log.at(-1)!);
    play.wait(500);
    const left: number[] = [];
    for (let slice = 0; slice < 3; slice++) {
      play.expire();
      other.apply(play.log.at(-1)!);
      left.push(play.service.stats().keys - 1);
      expect(other.deadline()).toBe(play.service.deadline());
      expect(Buffer.concat(snapshotOf(other)).equals(Buffer.concat(snapshotOf(play.service)))).toBe(true);
    }
    expect(left).toEqual([2500 - 1024, 2500 - 2048, 0]);
  });

  it('is a matter of the log alone: what a late put finds is there, and lives on', () => {
    const play = new Lives();
    const a = play.register();
    play.made(a, createWith('/t', { ttlMs: 1000 }));
    play.wait(900);
    play.alive(a);
    play.wait(900);
    expect(play.ask(a, ask.put('/t', 'late'))).toMatchObject({ version: 1 });
    play.expire();
    expect(play.exists('/t')).toBe(true);
  });
});
