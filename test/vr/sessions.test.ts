import { describe, expect, it } from 'vitest';
import { errorInfo } from '../../core/base/errors.ts';
import { World } from './world.ts';

describe('requests of a session', () => {
  it('are executed once each, however often they are retried', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    const attempts = [1, 2, 3].map(() => world.request(p, session, 1, 'put x'));
    world.settle();
    expect(attempts.map((attempt) => attempt.reply)).toEqual(Array(3).fill('put x at 2'));
    expect(world.request(p, session, 1, 'put x').reply).toBe('put x at 2');
    world.crash(p);
    expect(world.request(world.awaitPrimary(), session, 1, 'put x').reply).toBe('put x at 2');
    expect(world.place(world.awaitPrimary()).machine.values).toEqual(['x']);
  });

  it('below the window are refused with an unknown outcome', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    world.request(p, session, 1, 'put a');
    world.request(p, session, 2, 'put b', 2);
    world.settle();
    const late = world.request(p, session, 1, 'put a');
    expect(late.error).toMatchObject({ code: 'RequestTooOld', outcome: 'unknown' });
  });

  it('above the window are refused for certain', () => {
    const world = new World({ limits: { maxWindow: 8 } });
    const p = world.awaitPrimary();
    const session = world.register();
    expect(world.request(p, session, 9, 'put x').error).toMatchObject({ code: 'WindowExceeded', outcome: 'definite' });
    expect(world.request(p, session, 8, 'put x').error).toBeNull();
  });

  it('that find the queue full are refused for certain', () => {
    const world = new World({ limits: { maxPendingRequests: 4, maxPipelineEntries: 1 } });
    const p = world.awaitPrimary();
    for (const place of world.places.values()) place.slowDisk = true;
    const outcomes = Array.from({ length: 10 }, (_, i) => world.propose(p, `put v${i}`));
    const refused = outcomes.filter((outcome) => outcome.error !== null);
    expect(refused.length).toBe(5);
    expect(refused[0]!.error).toMatchObject({ code: 'Overloaded', outcome: 'definite' });
    for (const place of world.places.values()) place.slowDisk = false;
    world.run(100);
    expect(outcomes.filter((outcome) => outcome.reply !== null).length).toBe(5);
  });

  it('with a bad body, or one that is too large, are refused before they are prepared', () => {
    const world = new World({ limits: { maxBodyBytes: 100 } });
    const p = world.awaitPrimary();
    expect(world.propose(p, 'invalid').error?.code).toBe('BadArgument');
    expect(world.propose(p, `put ${'x'.repeat(200)}`).error?.code).toBe('LimitExceeded');
  });

  it('at a backup are refused for certain, with the primary named', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.awaitAgreement();
    const other = world.names.find((name) => name !== p)!;
    const { error } = world.propose(other, 'put x');
    expect(error).toMatchObject({ code: 'NotPrimary', outcome: 'definite', details: { replica: p } });
  });
});

describe('V14: an entry that a view change drops', () => {
  it('leaves nothing in duplicate detection: its retry is executed', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    world.awaitAgreement();
    const rest = world.names.filter((name) => name !== p);
    world.partition([p], rest);
    const first = world.request(p, session, 1, 'put x');
    world.runUntil(() => world.primary !== null && world.primary !== p);
    world.put('other');
    world.heal();
    world.awaitAgreement();
    // From this answer, its client cannot know whether it was executed.
    expect(first.error).toMatchObject({ outcome: 'unknown' });
    for (let tries = 0; world.primary !== p; tries++) {
      expect(tries).toBeLessThan(10);
      world.restart(world.awaitPrimary());
      world.awaitPrimary();
    }
    const retry = world.request(p, session, 1, 'put x');
    world.runUntil(() => retry.reply !== null);
    world.awaitAgreement();
    expect(world.place(p).machine.values).toEqual(['other', 'x']);
  });

  it('a request that was only queued when the view was lost has not happened', () => {
    const world = new World({ limits: { maxPipelineEntries: 1 } });
    const p = world.awaitPrimary();
    const rest = world.names.filter((name) => name !== p);
    world.awaitAgreement();
    world.partition([p], rest);
    const prepared = world.propose(p, 'put a');
    const queued = world.propose(p, 'put b');
    world.runUntil(() => world.primary !== null && world.primary !== p);
    world.heal();
    world.run(1000);
    expect(queued.error).toMatchObject({ outcome: 'definite' });
    expect(prepared.error).toMatchObject({ outcome: 'unknown' });
  });
});

describe('V15: order and eviction', () => {
  it('request 6 overtakes request 5 and waits for it', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    for (let request = 1; request <= 4; request++) world.request(p, session, request, `put ${request}`);
    world.settle();
    const six = world.request(p, session, 6, 'put 6');
    world.run(200);
    expect(six.reply).toBeNull();
    const five = world.request(p, session, 5, 'put 5');
    world.settle();
    expect(five.reply).toBe('put 5 at 6');
    expect(six.reply).toBe('put 6 at 7');
  });

  it('request 5 is refused; with `answered` raised, request 6 is executed, and request 5 is never executed after it', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    for (let request = 1; request <= 4; request++) world.request(p, session, request, `put ${request}`);
    world.settle();
    expect(world.request(p, session, 5, 'invalid').error?.outcome).toBe('definite');
    const seven = world.request(p, session, 7, 'put 7', 5);
    const six = world.request(p, session, 6, 'put 6', 6);
    // It is queued after 6 and in flight. A delayed 5 is already too old.
    const late = world.request(p, session, 5, 'put 5');
    expect(late.error?.code).toBe('RequestTooOld');
    world.settle();
    expect([six.reply, seven.reply]).toEqual(['put 6 at 6', 'put 7 at 7']);
    expect(world.request(p, session, 5, 'put 5').error?.code).toBe('RequestTooOld');
  });

  it('request 5 is refused while request 6 is held for it: a retry of 6 with `answered` raised releases both attempts', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    for (let request = 1; request <= 4; request++) world.request(p, session, request, `put ${request}`);
    world.settle();
    const six = world.request(p, session, 6, 'put 6', 5);
    expect(world.request(p, session, 5, 'invalid').error?.outcome).toBe('definite');
    const again = world.request(p, session, 6, 'put 6', 6);
    world.settle();
    expect([six.reply, again.reply]).toEqual(['put 6 at 6', 'put 6 at 6']);
  });

  it('a retry in a session that is gone is refused, never executed', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    world.request(p, session, 1, 'put x');
    world.settle();
    world.propose(p, `unregister ${session}`);
    world.settle();
    expect(world.request(p, session, 1, 'put x').error).toMatchObject({ code: 'SessionGone', outcome: 'unknown' });
    expect(world.place(p).machine.values).toEqual(['x']);
  });

  it('a deposed primary that has not heard of a session does not say that it is gone', () => {
    const world = new World();
    const old = world.awaitPrimary();
    world.put('x');
    world.place(old).paused = true;
    world.partition(
      [old],
      world.names.filter((name) => name !== old),
    );
    const session = world.register();
    world.place(old).paused = false;
    expect(world.place(old).replica?.isPrimary).toBe(true);
    expect(world.request(old, session, 1, 'put y').error).toMatchObject({ code: 'Retry', outcome: 'definite' });
  });

  it('a held request for which no one waits is dropped', () => {
    // A session may hold a quarter of what may wait.
    const world = new World({ limits: { maxPendingRequests: 8 } });
    const p = world.awaitPrimary();
    const session = world.register();
    world.request(p, session, 2, 'put 2');
    world.request(p, session, 3, 'put 3');
    expect(world.request(p, session, 4, 'put 4').error?.code).toBe('Overloaded');
    for (const token of world.outcomes.keys()) world.input(p, { kind: 'abandon', token });
    expect(world.request(p, session, 4, 'put 4').error).toBeNull();
  });
});

describe('V16: a client restarts while its earlier request is on its way', () => {
  it('the new session is another: neither swallows nor repeats the other', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const old = world.register();
    const renewed = world.register();
    const second = world.request(p, renewed, 1, 'put new');
    const first = world.request(p, old, 1, 'put old');
    world.settle();
    expect(first.reply).toBe('put old at 4');
    expect(second.reply).toBe('put new at 3');
  });
});

describe('a request in flight at the start of a view', () => {
  it('is known from the log: a retry joins it and is not prepared again', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    world.awaitAgreement();
    world.route = ({ message }) => (message.kind === 'prepareOk' || message.kind === 'commitOk' ? 'drop' : 'deliver');
    world.request(p, session, 1, 'put x');
    world.settle();
    world.crash(p, true);
    world.runUntil(() => world.primary !== null);
    const leading = world.primary!;
    const retry = world.request(leading, session, 1, 'put x');
    const later = world.request(leading, session, 2, 'put y');
    world.settle();
    expect(world.place(leading).view.head).toBe(3);
    expect(retry.reply).toBeNull();
    world.heal();
    world.runUntil(() => later.reply !== null);
    expect([retry.reply, later.reply]).toEqual(['put x at 2', 'put y at 3']);
  });
});

describe('a session whose registration the new primary has not executed yet', () => {
  it('is waited for', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    world.route = ({ message }) => (message.kind === 'prepareOk' ? 'drop' : 'deliver');
    world.crash(p);
    world.runUntil(() => world.primary !== null);
    const outcome = world.request(world.primary!, session, 1, 'put x');
    world.heal();
    world.runUntil(() => outcome.reply !== null);
    expect(outcome.reply).toBe('put x at 2');
  });
});

describe('the replicated clock', () => {
  it('counts a pause of its primary as at most the suspicion time', () => {
    const world = new World({ voters: 1 });
    world.put('x');
    world.now += 3_600_000;
    world.run(10);
    world.put('y');
    const [before, after] = world.place('a').machine.timestamps as [number, number];
    expect(after - before).toBeLessThan(1100);
  });

  it('continues from the head after a view change, stops without a primary, and expires sessions once', () => {
    const world = new World();
    const p = world.awaitPrimary();
    world.run(1000);
    world.put('x');
    const before = world.place(p).machine.timestamps.at(-1)!;
    world.crash(p);
    world.now += 3_600_000;
    world.put('y');
    const leading = world.awaitPrimary();
    const after = world.place(leading).machine.timestamps.at(-1)!;
    expect(after).toBeGreaterThanOrEqual(before);
    expect(after - before).toBeLessThan(5000);
    world.propose(leading, `alarm ${after + 2000}`);
    world.run(1500);
    expect(world.place(leading).machine.deadline()).not.toBeNull();
    world.run(1000);
    expect(world.place(leading).machine.deadline()).toBeNull();
    expect(world.place(leading).view.head).toBe(4);
  });

  it('V30: an executed request gets its reply, even when other requests are refused', () => {
    const world = new World({ limits: { maxPendingRequests: 1, maxPipelineEntries: 1 } });
    const p = world.awaitPrimary();
    const session = world.register();
    world.request(p, session, 1, 'put x');
    world.settle();
    const refusal = errorInfo('DiskLow', 'no room');
    for (const place of world.places.values()) place.slowDisk = true;
    // The second is in the log, the third waits for it, and there is no room for more.
    world.request(p, session, 2, 'put y');
    world.request(p, session, 3, 'put z');
    expect(world.request(p, session, 4, 'put v').error?.code).toBe('Overloaded');
    expect(world.request(p, session, 4, 'put v', 1, refusal).error?.code).toBe('DiskLow');
    expect(world.request(p, session, 1, 'put x', 1, refusal).reply).toBe('put x at 2');
    // What is under way is no more than that: this sending shares the fate of the first.
    const again = [2, 3].map((request) => world.request(p, session, request, `put ${' yz'[request - 1]}`, 1, refusal));
    expect(again.map(({ error }) => error)).toEqual([null, null]);
    expect(world.request(p, session, 2, 'put other').error).toMatchObject({ code: 'BadArgument', outcome: 'definite' });
    expect(world.request(p, session, 3, 'put other').error).toMatchObject({ code: 'BadArgument', outcome: 'definite' });
    for (const place of world.places.values()) place.slowDisk = false;
    world.run(100);
    expect(again.map(({ reply }) => reply)).toEqual(['put y at 3', 'put z at 4']);
  });

  it('V30: a replica that no longer leads still answers what it knows to be executed', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    world.request(p, session, 1, 'put x');
    world.run(1000);
    const backup = world.names.find((name) => name !== p)!;
    expect(world.request(backup, session, 1, 'put x').reply).toBe('put x at 2');
    expect(world.request(backup, session, 2, 'put y').error?.code).toBe('NotPrimary');
  });

  it('V38: the first of six is refused; the other five run in their order, once they are sent again', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    expect(world.request(p, session, 1, 'invalid').error?.outcome).toBe('definite');
    const five = [2, 3, 4, 5, 6];
    const first = five.map((request) => world.request(p, session, request, `put ${request}`, 1));
    world.settle();
    expect(first.map(({ reply, error }) => reply ?? error)).toEqual(five.map(() => null));
    // In any order: a request that still waits for another one is held for it.
    const again = [6, 4, 5, 3, 2].map((request) => world.request(p, session, request, `put ${request}`, 2));
    world.settle();
    expect(again.map(({ reply }) => reply)).toEqual([6, 4, 5, 3, 2].map((n) => `put ${n} at ${n}`));
    expect(first.map(({ reply }) => reply)).toEqual(five.map((n) => `put ${n} at ${n}`));
    expect(world.place(p).machine.values).toEqual(five.map(String));
  });

  it('refuses an `answered` that no client can have sent', () => {
    const world = new World();
    const p = world.awaitPrimary();
    const session = world.register();
    expect(world.request(p, session, 0, 'put x', 0).error).toMatchObject({ code: 'BadArgument', outcome: 'definite' });
    expect(world.request(p, session, 1, 'put x', 2).error).toMatchObject({ code: 'BadArgument', outcome: 'definite' });
  });
});
