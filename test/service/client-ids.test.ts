/**
 * ClientIDs have one holder in a namespace, and its log decides which: who keeps a session, who takes it over, and what
 * becomes of late requests.
 */

import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../core/base/limits.ts';
import { doubtMs } from '../../core/service/sessions.ts';
import type { Reply } from '../../core/service/reply.ts';
import { Driver, code, createCounter, increment, restored, secret, snapshotOf } from './driver.ts';

const one = '1'.repeat(32);
const two = '2'.repeat(32);
const longMs = 600_000;

class Play extends Driver {
  #attempts = 0;

  constructor() {
    super({ sessionMs: longMs, maxWindow: 100 });
  }

  bind(id: string, incarnation: string, attempt = ++this.#attempts, previous = 0): Reply['answer'] {
    return this.own({ kind: 'bind', client: 'test', identity: { id, incarnation }, attempt, previous, secret }).answer;
  }

  bound(id: string, incarnation: string, attempt?: number): { session: number; continued: boolean } {
    const answer = this.bind(id, incarnation, attempt);
    if (answer.kind !== 'bound') throw new Error(`not bound: ${answer.kind}`);
    return { session: answer.session, continued: answer.continued };
  }

  /** What a process that had `previous` is told when it binds again. */
  again(id: string, incarnation: string, previous: number): Reply['answer'] {
    return this.bind(id, incarnation, undefined, previous);
  }

  alive(id: string, incarnation: string): unknown {
    const answer = this.bind(id, incarnation);
    if (answer.kind !== 'error') throw new Error(`not refused: ${answer.kind}`);
    return answer.error.details['alive'];
  }

  refusal(id: string, incarnation: string): { code: string; retryAfterMs: unknown } {
    const answer = this.bind(id, incarnation);
    if (answer.kind !== 'error') throw new Error(`not refused: ${answer.kind}`);
    return { code: answer.error.code, retryAfterMs: answer.error.details['retryAfterMs'] };
  }
}

describe('a ClientID', () => {
  it('that no client holds gives a new session, and another id gives another one', () => {
    const play = new Play();
    expect(play.bound('a', one)).toEqual({ session: 1, continued: false });
    expect(play.bound('b', one)).toEqual({ session: 2, continued: false });
  });

  it('bound by another process of the same incarnation ends the earlier session', () => {
    const play = new Play();
    const { session } = play.bound('a', one);
    play.request(session, 1, createCounter('/n'));
    play.request(session, 2, increment('/n'));
    const again = play.bound('a', one);
    expect(again).toEqual({ session: 4, continued: true });
    // What the earlier process still had on its way is void, so no late reply is taken for another's.
    expect(code(play.request(session, 3, increment('/n')))).toBe('SessionGone');
    expect(code(play.request(again.session, 1, increment('/n')))).toBe('result');
    expect(play.counter('/n')).toBe(2);
  });

  it('V38: is not bound back by a process that another one replaced, while that one is alive', () => {
    const play = new Play();
    const { session: first } = play.bound('a', one);
    const { session: second } = play.bound('a', one);
    // The other one is asked first, because a bind that was long on its way may come from a dead process.
    expect(play.again('a', one, first)).toMatchObject({ error: { code: 'ClientIdHeld', details: { alive: false } } });
    expect(play.service.takeDoubted()).toBe(second);
    play.wait(10);
    play.own({ kind: 'keepAlive', sessions: [{ session: second, secret, heard: 0 }] });
    for (let i = 0; i < 3; i++) {
      expect(play.again('a', one, first)).toMatchObject({
        error: { code: 'ClientIdTaken', outcome: 'definite', retryable: false },
      });
    }
    expect(code(play.request(second, 1, createCounter('/n')))).toBe('result');
  });

  it('comes back to its earlier process when the one that replaced it is dead, or when its own session expired', () => {
    const play = new Play();
    const { session: first } = play.bound('a', one);
    play.bound('a', one);
    expect(play.again('a', one, first)).toMatchObject({ error: { code: 'ClientIdHeld' } });
    play.wait(doubtMs);
    const back = play.again('a', one, first);
    expect(back).toMatchObject({ kind: 'bound', continued: true });
    play.wait(longMs);
    play.own({ kind: 'expire' });
    expect(play.again('a', one, back.kind === 'bound' ? back.session : 0)).toMatchObject({ kind: 'bound' });
  });

  it('gets the same answer when the same bind comes again, however late', () => {
    const play = new Play();
    const first = play.bound('a', one, 7);
    play.request(first.session, 1, createCounter('/n'));
    expect(play.bound('a', one, 7)).toEqual(first);
    expect(code(play.request(first.session, 2, increment('/n')))).toBe('result');
    const second = play.bound('a', one, 8);
    expect(play.bound('a', one, 8)).toEqual(second);
    expect(code(play.request(second.session, 1, increment('/n')))).toBe('result');
  });

  it('whose holder is alive is refused to everyone else', () => {
    const play = new Play();
    const { session } = play.bound('a', one);
    for (let i = 0; i < 10; i++) {
      expect(play.refusal('a', two)).toEqual({ code: 'ClientIdHeld', retryAfterMs: doubtMs });
      play.wait(doubtMs / 2);
      play.own({ kind: 'keepAlive', sessions: [{ session, secret, heard: 0 }] });
      play.wait(doubtMs);
    }
    expect(code(play.request(session, 1, createCounter('/n')))).toBe('result');
  });

  it('whose holder answered when it was asked is refused, and the refusal says so', () => {
    const play = new Play();
    const { session } = play.bound('a', one);
    expect(play.alive('a', two)).toBe(false);
    play.own({ kind: 'keepAlive', sessions: [{ session, secret, heard: 0 }] });
    play.wait(10);
    expect(play.alive('a', two)).toBe(false);
    play.wait(10);
    play.own({ kind: 'keepAlive', sessions: [{ session, secret, heard: 0 }] });
    expect(play.alive('a', two)).toBe(true);
    play.wait(1);
    play.own({ kind: 'keepAlive', sessions: [{ session, secret, heard: 0 }] });
    // An answer from long ago proves nothing now.
    play.wait(3 * doubtMs);
    expect(play.alive('a', two)).toBe(false);
  });

  it('in doubt is told, once, to the node that can ask its holder', () => {
    const play = new Play();
    const { session } = play.bound('a', one);
    expect(play.service.takeDoubted()).toBe(null);
    play.refusal('a', two);
    expect(play.service.takeDoubted()).toBe(session);
    expect(play.service.takeDoubted()).toBe(null);
  });

  it('whose holder gives no sign of life while in doubt goes to the next client that binds it', () => {
    const play = new Play();
    const { session } = play.bound('a', one);
    play.wait(longMs / 2);
    // Silence proves nothing until the holder was asked.
    expect(play.refusal('a', two)).toEqual({ code: 'ClientIdHeld', retryAfterMs: doubtMs });
    play.wait(doubtMs - 1);
    expect(play.refusal('a', two)).toEqual({ code: 'ClientIdHeld', retryAfterMs: 1 });
    play.wait(1);
    const taken = play.bound('a', two);
    expect(taken).toMatchObject({ continued: false });
    expect(code(play.request(session, 1, createCounter('/n')))).toBe('SessionGone');
    expect(play.refusal('a', one).code).toBe('ClientIdHeld');
  });

  it('is free once its session is ended or has expired', () => {
    const play = new Play();
    const { session } = play.bound('a', one);
    play.own({ kind: 'unregister', session, secret });
    expect(play.bound('a', two)).toMatchObject({ continued: false });
    play.wait(longMs);
    play.own({ kind: 'expire' });
    expect(play.bound('a', one)).toMatchObject({ continued: false });
  });

  it('and the doubt about its holder are part of the state', () => {
    const play = new Play();
    const { session } = play.bound('a', one, 7);
    play.request(session, 1, createCounter('/n'));
    play.refusal('a', two);
    play.register();
    const copy = restored(snapshotOf(play.service));
    expect(snapshotOf(copy)).toEqual(snapshotOf(play.service));
    play.wait(doubtMs);
    const before = play.log.length;
    play.bound('a', two);
    for (const entry of play.log.slice(before)) copy.apply(entry);
    expect(snapshotOf(copy)).toEqual(snapshotOf(play.service));
    expect(copy.size()).toBe(play.service.size());
  });

  it('does not touch sessions without one', () => {
    const play = new Play();
    const plain = play.register();
    play.bound('a', one);
    play.wait(doubtMs);
    expect(code(play.request(plain, 1, createCounter('/n')))).toBe('result');
    expect(defaultLimits.maxSessions).toBeGreaterThan(2);
  });
});
