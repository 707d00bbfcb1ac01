/** Stories of claims that random lives found (test/service/lines). */

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/base/bytes.ts';
import type { Operation, SimpleOperation } from '../../core/tree/operation.ts';
import { restored, secret, snapshotOf } from './driver.ts';
import { Play, lockWish } from './play.ts';

describe('a refused operation changes nothing, and what fits is granted', () => {
  const put = { permits: 1, exclusive: true, value: null, waitMs: 0, leaseMs: null, auto: null, of: null } as const;
  const together = (...then: SimpleOperation[]): Operation => ({
    kind: 'transaction',
    guards: [],
    then,
    otherwise: [],
  });

  it('a theft that does not want to wait, and has to, takes nothing', () => {
    const play = new Play();
    const [a, b] = [play.register(), play.register()];
    const one = play.claim(a, '/l');
    const before = play.claims('/l');
    expect(play.ask(b, { kind: 'steal', path: '/l', claim: 0, put })).toBe('Held');
    expect(play.claims('/l')).toEqual(before);
    expect(play.held('/l', one.token)).toBe(true);
    expect(snapshotOf(restored(snapshotOf(play.service)))).toEqual(snapshotOf(play.service));
  });

  it('two claims of one line are not put in front by one transaction', () => {
    const play = new Play();
    const [a, b, c] = [play.register(), play.register(), play.register()];
    const shared = { exclusive: false };
    const [one, two] = [play.claim(a, '/l', shared), play.claim(a, '/l', shared)];
    const [three, four] = [play.claim(b, '/l'), play.claim(c, '/l')];
    const release = ({ claim, token }: typeof one, to: number): SimpleOperation => ({
      kind: 'release',
      path: '/l',
      claim,
      token,
      to,
    });
    const { answer } = play.request(a, 9, together(release(one, three.claim), release(two, four.claim)), 9);
    expect(answer).toMatchObject({ error: { code: 'BadArgument', details: { field: 'to', index: 1 } } });
    expect(play.holders('/l')).toEqual([a, a]);
  });

  it('a directory that a claim made goes with its last child, whoever made that', () => {
    const play = new Play();
    const a = play.register();
    const one = play.claim(a, '/made/here/l');
    play.ask(a, { kind: 'create', path: '/made/here/note', type: 'blob', value: utf8('x') });
    play.release(a, '/made/here/l', one.claim, one.token);
    expect(play.exists('/made/here/note')).toBe(true);
    play.ask(a, { kind: 'delete', path: '/made/here/note', recursive: false, ifVersion: null });
    expect(play.exists('/made')).toBe(false);
  });

  it('a try that its own transaction deletes was not granted', () => {
    const play = new Play();
    const a = play.register();
    const gone: SimpleOperation = { kind: 'delete', path: '/l', recursive: true, ifVersion: null };
    expect(play.request(a, 1, together(lockWish('/l'), gone)).answer).toMatchObject({
      error: { code: 'PathNotFound' },
    });
    expect(play.alive(a)).toEqual([]);
  });

  it('a try is decided at the end of its transaction, with what that gives up', () => {
    const play = new Play();
    const a = play.register();
    const one = play.claim(a, '/l');
    const release: SimpleOperation = { kind: 'release', path: '/l', claim: one.claim, token: one.token, to: 0 };
    expect(play.request(a, 9, together(lockWish('/l'), release), 9).answer).toMatchObject({ kind: 'result' });
    expect(play.claims('/l')).toMatchObject([{ session: a, token: play.op }]);
  });

  it('a try passes those whose wait is over, together with those who come before it', () => {
    const play = new Play();
    const [a, b, c] = [play.register(), play.register(), play.register()];
    play.claim(a, '/l', { exclusive: false, leaseMs: 60_000 });
    play.claim(b, '/l', { waitMs: 100, leaseMs: 60_000 });
    play.claim(c, '/l', { exclusive: false, leaseMs: 60_000 });
    play.wait(100);
    expect(play.tries(a, '/l', { exclusive: false })).toMatchObject({ token: play.op });
    expect(play.holders('/l')).toEqual([a, c, a]);
  });

  it('one transaction sets one lease', () => {
    const play = new Play();
    const a = play.register();
    const both = together(lockWish('/l', { leaseMs: 2000 }), lockWish('/m', { leaseMs: 3000 }));
    expect(play.request(a, 1, both).answer).toMatchObject({
      error: { code: 'BadArgument', details: { actual: 2000 } },
    });
    expect(play.exists('/l')).toBe(false);
  });

  it('a bind that the network brings again renews no lease', () => {
    const play = new Play();
    const identity = { id: 'worker', incarnation: 'ab'.repeat(16) };
    const bind = (): unknown =>
      play.own({ kind: 'bind', client: 'w', identity, attempt: 1, previous: 0, secret }).answer;
    const { session } = bind() as { session: number };
    play.claim(session, '/l', { leaseMs: 2000 });
    play.wait(1500);
    expect(bind()).toMatchObject({ kind: 'bound', session });
    expect(play.service.deadline()).toBe(2000);
  });
});
