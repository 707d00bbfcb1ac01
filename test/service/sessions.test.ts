/** Sessions as in protocol §7: exactly once, in order, within bounds, and only the log ends them. */

import { describe, expect, it } from 'vitest';
import { encodeBody, encodeOperation } from '../../core/service/body.ts';
import { decodeReply } from '../../core/service/reply.ts';
import { Driver, code, createCounter, increment, restored, secret, sessionMs, snapshotOf } from './driver.ts';

describe('a session', () => {
  it('is registered through the log, and its id is the op number', () => {
    const driver = new Driver();
    driver.own({ kind: 'noop' });
    const reply = driver.own({ kind: 'register', client: 'a', secret });
    expect(reply).toEqual({ epoch: 1, view: 2, op: 2, answer: { kind: 'registered', session: 2, secret } });
    expect(driver.known(2, 0)).toBe('new');
    expect(driver.service.nextRequest(2)).toBe(0);
    expect(driver.known(1, 0)).toBe('gone');
  });

  it('answers a retry with the very bytes of the first reply, and executes it once', () => {
    const driver = new Driver();
    const session = driver.register();
    driver.request(session, 0, createCounter('/n'), 0);
    const first = driver.apply(driver.entry(session, 1, 0, encodeOperation(increment('/n'))));
    expect(driver.known(session, 1)).toBe('executed');
    expect(driver.service.reply(session, 1)).toEqual(first);
    const again = driver.apply(driver.entry(session, 1, 0, encodeOperation(increment('/n'))));
    expect(again).toEqual(first);
    expect(driver.counter('/n')).toBe(1);
  });

  it('keeps the replies that are not yet answered, and forgets the others', () => {
    const driver = new Driver();
    const session = driver.register();
    driver.request(session, 0, createCounter('/n'), 0);
    for (let request = 1; request < 100; request++)
      driver.request(session, request, increment('/n'), request - 10 < 0 ? 0 : request - 10);
    expect(driver.known(session, 88)).toBe('old');
    expect(driver.known(session, 89)).toBe('executed');
    expect(driver.known(session, 99)).toBe('executed');
    expect(driver.known(session, 100)).toBe('new');
    expect(code(driver.request(session, 88, increment('/n'), 0))).toBe('RequestTooOld');
    for (let request = 89; request < 100; request++) {
      const { answer } = decodeReply(driver.service.reply(session, request));
      expect(answer).toEqual({ kind: 'result', result: { kind: 'number', number: request, version: request } });
    }
    expect(driver.counter('/n')).toBe(99);
  });

  it('cannot claim an answer that it does not have: the reply to what it asks now is kept', () => {
    const driver = new Driver();
    const session = driver.register();
    driver.request(session, 0, createCounter('/n'), 0);
    const reply = driver.request(session, 1, increment('/n'), 50);
    expect(reply.answer.kind).toBe('result');
    expect(driver.service.nextRequest(session)).toBe(2);
    expect(driver.request(session, 1, increment('/n'), 50)).toEqual(reply);
  });

  it('may begin its numbers anywhere', () => {
    const driver = new Driver();
    const session = driver.register();
    expect(code(driver.request(session, 7, createCounter('/n'), 7))).toBe('result');
    expect(driver.known(session, 6)).toBe('old');
    expect(driver.service.nextRequest(session)).toBe(8);
  });

  it('keeps an error as it keeps a result: the request was executed, and failed', () => {
    const driver = new Driver();
    const session = driver.register();
    const first = driver.request(session, 0, increment('/missing'), 0);
    expect(code(first)).toBe('PathNotFound');
    driver.request(session, 1, createCounter('/missing'), 0);
    expect(driver.request(session, 0, increment('/missing'), 0)).toEqual(first);
    expect(driver.counter('/missing')).toBe(0);
  });

  it('answers what cannot be decoded, or is not an operation, with an error that is the same on every replica', () => {
    const driver = new Driver();
    const session = driver.register();
    const garbage = decodeReply(driver.apply(driver.entry(session, 0, 0, new Uint8Array([200, 1, 2]))));
    expect(code(garbage)).toBe('BadFrame');
    const register = encodeBody({ kind: 'register', client: 'sly', secret });
    expect(code(decodeReply(driver.apply(driver.entry(session, 1, 0, register))))).toBe('BadArgument');
    expect(code(decodeReply(driver.apply(driver.entry(0, 0, 0, encodeOperation(createCounter('/n'))))))).toBe(
      'BadArgument',
    );
    expect(driver.service.stats().sessions).toBe(1);
    expect(driver.service.stats().keys).toBe(0);
    expect(driver.service.nextRequest(session)).toBe(2);
  });
});

describe('a session of another client', () => {
  const wrong = '0d'.repeat(16);

  it('does not exist for a client without its secret', () => {
    const driver = new Driver();
    const session = driver.register();
    driver.request(session, 1, createCounter('/n'), 1);
    const operation = createCounter('/n');
    expect(driver.known(session, 1, operation)).toBe('executed');
    for (const guess of [wrong, '', '0'.repeat(32), secret.slice(0, 31), `${secret}5`]) {
      for (const request of [0, 1, 2]) expect(driver.known(session, request, operation, guess)).toBe('gone');
      expect(driver.service.hasSession(session, guess)).toBe(false);
    }
    expect(driver.known(session + 1, 1, operation, wrong)).toBe('gone');
  });

  it('is neither ended nor kept alive by that client', () => {
    const driver = new Driver();
    const session = driver.register();
    driver.own({ kind: 'unregister', session, secret: wrong });
    expect(driver.service.hasSession(session, secret)).toBe(true);
    driver.wait(sessionMs - 1);
    driver.own({ kind: 'keepAlive', sessions: [{ session, secret: wrong, heard: 0 }] });
    driver.wait(1);
    driver.own({ kind: 'expire' });
    expect(driver.service.hasSession(session, secret)).toBe(false);
  });

  it('keeps its secret in the replicated state, and shows it in no listing', () => {
    const driver = new Driver();
    const session = driver.register();
    expect(restored(snapshotOf(driver.service)).hasSession(session, secret)).toBe(true);
    expect(JSON.stringify([driver.service.newestSessions(9), [...driver.service.stats().applied]])).not.toContain(
      secret,
    );
  });
});

describe('a kept number', () => {
  it('V38: with another body is refused, and does not get the reply of the first', () => {
    const driver = new Driver();
    const session = driver.register();
    driver.request(session, 1, createCounter('/n'), 1);
    const first = driver.request(session, 2, increment('/n'), 1);
    const other = { kind: 'counterAdd', path: '/n', by: 2 } as const;
    expect(driver.known(session, 2, other)).toBe('other');
    expect(driver.known(session, 2)).toBe('executed');
    const copy = restored(snapshotOf(driver.service));
    expect(copy.request(session, secret, 2, encodeOperation(other))).toBe('other');
    const refused = { kind: 'error', error: { code: 'BadArgument', outcome: 'definite', details: { request: 2 } } };
    expect(driver.request(session, 2, other, 1).answer).toMatchObject(refused);
    expect(driver.request(session, 2, increment('/n'), 1)).toEqual(first);
    expect(driver.counter('/n')).toBe(1);
  });
});

describe('the window', () => {
  it('refuses a request beyond it, definitely and without executing it', () => {
    const driver = new Driver({ maxWindow: 4 });
    const session = driver.register();
    driver.request(session, 0, createCounter('/n'), 0);
    for (let request = 1; request < 4; request++) driver.request(session, request, increment('/n'), 0);
    const refused = driver.request(session, 4, increment('/n'), 0);
    expect(refused.answer).toMatchObject({
      kind: 'error',
      error: {
        code: 'WindowExceeded',
        outcome: 'definite',
        retryable: true,
        details: { name: 'maxWindow', limit: 4, actual: 5 },
      },
    });
    expect(driver.counter('/n')).toBe(3);
    expect(driver.known(session, 4)).toBe('new');
    expect(code(driver.request(session, 4, increment('/n'), 1))).toBe('result');
    expect(driver.counter('/n')).toBe(4);
  });

  it('bounds the bytes of kept replies until the client says which it has', () => {
    const driver = new Driver({ maxWindowReplyBytes: 1000 });
    const session = driver.register();
    driver.request(session, 0, { kind: 'create', path: '/q', type: 'queue', value: null }, 0);
    const value = new Uint8Array(400);
    for (let request = 1; request <= 5; request++)
      driver.request(session, request, { kind: 'queuePush', path: '/q', value });
    const codes = [6, 7, 8, 9].map((request) =>
      code(driver.request(session, request, { kind: 'queuePop', path: '/q' }, 6)),
    );
    expect(codes).toEqual(['result', 'result', 'result', 'WindowExceeded']);
    expect(code(driver.request(session, 9, { kind: 'queuePop', path: '/q' }, 9))).toBe('result');
    expect(driver.service.stats().sessionBytes).toBeLessThan(1000);
  });

  it('V15: request 6 does not overtake 5. Once 5 is refused for good, 6 goes ahead with `answered` raised', () => {
    const driver = new Driver();
    const session = driver.register();
    driver.request(session, 4, createCounter('/n'), 4);
    const early = driver.request(session, 6, increment('/n'), 5);
    expect(early.answer).toMatchObject({ kind: 'error', error: { code: 'Retry', outcome: 'definite' } });
    expect(driver.known(session, 6)).toBe('new');
    expect(code(driver.request(session, 6, increment('/n'), 6))).toBe('result');
    expect(driver.known(session, 5)).toBe('old');
    expect(code(driver.request(session, 5, increment('/n'), 5))).toBe('RequestTooOld');
    expect(driver.counter('/n')).toBe(1);
  });
});

describe('the end of a session', () => {
  it('V15: one more session than the limit evicts the one that was idle longest, and its delayed retry is refused', () => {
    const driver = new Driver({ maxSessions: 3 });
    const [a, b, c] = [driver.register('a'), driver.register('b'), driver.register('c')];
    driver.request(a, 0, createCounter('/n'), 0);
    driver.wait(sessionMs / 10);
    driver.request(a, 1, increment('/n'), 1);
    driver.request(c, 0, increment('/n'), 0);
    const d = driver.register('d');
    expect([a, b, c, d].map((id) => driver.service.hasSession(id, secret))).toEqual([true, false, true, true]);
    const late = driver.request(b, 0, increment('/n'), 0);
    expect(late.answer).toMatchObject({ kind: 'error', error: { code: 'SessionGone', outcome: 'unknown' } });
    expect(driver.counter('/n')).toBe(2);
    expect(driver.service.stats()).toMatchObject({ sessions: 3, evictedSessions: 1 });
  });

  it('never comes to a session that is alive to make room for new ones, however many are registered', () => {
    const driver = new Driver({ maxSessions: 3 });
    const kept = driver.register('kept');
    driver.register();
    driver.register();
    let refusals = 0;
    for (let i = 0; i < 100; i++) {
      driver.wait(sessionMs / 50);
      driver.own({ kind: 'keepAlive', sessions: [{ session: kept, secret, heard: 0 }] });
      const { answer } = driver.own({ kind: 'register', client: 'another', secret });
      if (answer.kind !== 'error') continue;
      refusals++;
      expect(answer.error).toMatchObject({
        code: 'LimitExceeded',
        outcome: 'definite',
        retryable: true,
        details: { name: 'maxSessions', limit: 3, actual: 4 },
      });
    }
    expect(refusals).toBeGreaterThan(50);
    expect(driver.service.hasSession(kept, secret)).toBe(true);
    expect(driver.service.stats().evictedSessions).toBe(100 - refusals);
  });

  it('evicts the lower id of two that are idle equally long', () => {
    const driver = new Driver({ maxSessions: 3 });
    const [a, b, c] = [driver.register(), driver.register(), driver.register()];
    driver.wait(10);
    driver.own({ kind: 'keepAlive', sessions: [c, a, b, 999].map((session) => ({ session, secret, heard: 0 })) });
    driver.wait(sessionMs / 10);
    driver.register();
    expect([a, b, c].map((id) => driver.service.hasSession(id, secret))).toEqual([false, true, true]);
  });

  it('comes only with the replicated clock, and only with an entry', () => {
    const driver = new Driver();
    const a = driver.register('a');
    driver.wait(400);
    const b = driver.register('b');
    expect(driver.service.deadline()).toBe(sessionMs);
    driver.wait(300);
    driver.own({ kind: 'keepAlive', sessions: [{ session: a, secret, heard: 0 }] });
    expect(driver.service.deadline()).toBe(400 + sessionMs);
    driver.wait(sessionMs - 301);
    driver.apply(driver.entry(0, 0, 0, driver.service.expiry(driver.now)));
    expect(driver.service.hasSession(b, secret), 'it is not due yet').toBe(true);
    driver.wait(1);
    expect(driver.now).toBe(driver.service.deadline());
    expect(driver.service.hasSession(b, secret), 'time alone ends nothing').toBe(true);
    driver.apply(driver.entry(0, 0, 0, driver.service.expiry(driver.now)));
    expect(driver.service.hasSession(b, secret)).toBe(false);
    expect(driver.service.hasSession(a, secret)).toBe(true);
    expect(driver.service.deadline()).toBe(700 + sessionMs);
    driver.wait(5000);
    driver.own({ kind: 'expire' });
    expect(driver.service.deadline()).toBeNull();
    expect(driver.service.stats()).toMatchObject({ sessions: 0, sessionBytes: 0, expiredSessions: 2 });
  });

  it('V16: a client restarts while its earlier request is on its way; either both sessions are whole, or the old one is ended first', () => {
    const driver = new Driver();
    const before = driver.register('client');
    driver.request(before, 0, createCounter('/n'), 0);
    const onItsWay = encodeOperation(increment('/n'));
    const after = driver.register('client');
    driver.request(after, 0, increment('/n'), 0);
    expect(code(decodeReply(driver.apply(driver.entry(before, 1, 1, onItsWay))))).toBe('result');
    expect(driver.counter('/n')).toBe(2);
    driver.own({ kind: 'unregister', session: before, secret });
    driver.own({ kind: 'unregister', session: before, secret });
    expect(code(decodeReply(driver.apply(driver.entry(before, 1, 1, onItsWay))))).toBe('SessionGone');
    expect(code(decodeReply(driver.apply(driver.entry(before, 2, 2, onItsWay))))).toBe('SessionGone');
    expect(driver.counter('/n')).toBe(2);
  });
});

describe('a service', () => {
  it('refuses to propose a request that it knows to be wrong', () => {
    const { service } = new Driver();
    expect(service.validate(new Uint8Array([77]))?.code).toBe('BadFrame');
    expect(service.validate(new Uint8Array())?.code).toBe('BadFrame');
    expect(service.validate(encodeOperation(createCounter('/d//e')))?.code).toBe('PathMalformed');
    const large = {
      kind: 'blobPut',
      path: '/a',
      value: new Uint8Array(1024 * 1024 + 1),
      ifVersion: null,
      ifAbsent: false,
    } as const;
    expect(service.validate(encodeOperation(large))).toMatchObject({
      code: 'LimitExceeded',
      details: { name: 'maxValueBytes' },
    });
    const huge = { ...large, value: new Uint8Array(2 * 1024 * 1024) };
    expect(service.validate(encodeOperation(huge))).toMatchObject({
      code: 'LimitExceeded',
      details: { name: 'maxBodyBytes' },
    });
    expect(service.validate(encodeOperation(createCounter('/a')))).toBeNull();
    expect(service.validate(encodeBody({ kind: 'expire' }))).toBeNull();
  });

  it('reads without changing anything, and says at which op it read', () => {
    const driver = new Driver();
    const session = driver.register();
    driver.request(session, 0, createCounter('/n'), 0);
    const body = encodeOperation({ kind: 'counterGet', path: '/n' });
    const reply = decodeReply(driver.service.read(body, { epoch: 3, view: 4, op: 5 }));
    expect(reply).toEqual({
      epoch: 3,
      view: 4,
      op: 5,
      answer: { kind: 'result', result: { kind: 'number', number: 0, version: 0 } },
    });
    expect(driver.read(increment('/n'))).toMatchObject({ kind: 'error', error: { code: 'BadArgument' } });
    expect(code(decodeReply(driver.service.read(new Uint8Array([9]), { epoch: 1, view: 1, op: 1 })))).toBe('BadFrame');
    expect(driver.counter('/n')).toBe(0);
  });

  it('counts what it applied by kind, and lists the largest nodes', () => {
    const driver = new Driver();
    const session = driver.register();
    for (let i = 0; i < 3; i++) {
      driver.request(session, i, { kind: 'create', path: `/b${i}`, type: 'blob', value: new Uint8Array(100 * i) });
    }
    driver.request(session, 2, { kind: 'create', path: '/b2', type: 'blob', value: new Uint8Array(200) });
    const { applied } = driver.service.stats();
    expect([...applied]).toEqual([
      ['register', 1],
      ['create', 3],
      ['duplicate', 1],
    ]);
    expect(driver.service.largest(2).map((stat) => stat.path)).toEqual(['/b2', '/b1']);
  });
});
