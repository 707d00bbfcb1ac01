/**
 * What a client may count on, message by message (coordination §5): replies, notices and the answers to keep-alives, in
 * every order, late, doubled and lost.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import type { ErrorInfo, Result } from '../../core/base/errors.ts';
import { errorInfo, fail, ok } from '../../core/base/errors.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { DataCall } from '../../core/client/calls.ts';
import type { ClaimHandle, ClaimOptions, ClaimTold } from '../../core/client/claims.ts';
import { Claims } from '../../core/client/claims.ts';
import { defaultClientOptions } from '../../core/client/options.ts';
import type { Alarm } from '../../core/client/options.ts';
import { WriteSession } from '../../core/client/session.ts';
import type { Reply } from '../../core/service/reply.ts';
import type { BelongingRecord } from '../../core/service/told.ts';
import type { Asked, Operation } from '../../core/tree/operation.ts';
import { binaryApi } from '../../core/wire/api-client-binary.ts';
import type { Outgoing } from '../../core/wire/api-client.ts';

const leaseMs = 10_000;

interface Sent {
  readonly operation: Operation;
  readonly call: DataCall;
  /** Answers it as an entry at this op. */
  answer(op: number, answer: Reply['answer']): void;
  fail(error: ErrorInfo): void;
}

/** A session of a client, whose other end is the test. */
class Desk {
  now = 1000;
  /** What the wall clock is ahead of the monotonic one. */
  ahead = 0;
  readonly alarms = new Set<Alarm>();
  readonly session = new WriteSession(3);
  readonly sent: Sent[] = [];
  readonly messages: Outgoing[] = [];
  keepAlives = 0;
  #requests = 0;
  readonly claims: Claims;

  constructor() {
    this.session.opened(7, 'ab'.repeat(16), false);
    const owner = { expired: () => undefined, abandoned: (call: DataCall) => this.#abandoned(call) };
    this.claims = new Claims({
      ports: {
        transport: { dial: () => expect.unreachable() },
        clock: { now: () => this.now, wall: () => this.now + this.ahead, soon: (work) => work() },
        random: new SeededRandom(1),
      },
      options: { ...defaultClientOptions, codec: binaryApi, addresses: ['a:1'] },
      newId: () => 99,
      connected: () => true,
      send: (message) => void this.messages.push(message),
      violation: () => undefined,
      execute: (operation, _, done) => this.#execute(operation, done, owner as never),
      keepAlive: () => {
        this.keepAlives++;
      },
      alarms: this.alarms,
    });
  }

  #execute(operation: Operation, done: (result: Result<Reply>) => void, owner: never): DataCall {
    const call = new DataCall(owner, this.sent.length, {
      timeoutMs: 1000,
      namespaceId: 3,
      operation: { length: 1 },
      consistency: null,
      writeSession: this.session,
      done,
    });
    call.requestNumber = ++this.#requests;
    call.firstSentAtMs = this.now;
    call.phase = 'sent';
    const end = (result: Result<Reply>): void => {
      if (call.phase === 'ended') throw new Error('answered twice');
      call.phase = 'ended';
      this.look();
      done(result);
    };
    this.sent.push({
      operation,
      call,
      answer: (op, answer) => end(ok({ epoch: 1, view: 1, op, answer })),
      fail: (error) => end({ ok: false, error }),
    });
    return call;
  }

  #abandoned(call: DataCall): void {
    if (call.phase === 'ended') return;
    call.phase = 'ended';
    call.done(fail('Interrupted', 'abandoned', {}, 'unknown'));
  }

  look(): number {
    return Math.min(...[...this.alarms].map((alarm) => alarm()));
  }

  claim(path = '/l', waitMs: number | null = null, options: Partial<ClaimOptions> = {}): Told {
    const told = new Told();
    const wish: Asked<'claim'> = {
      ...{ kind: 'claim', path, permits: 1, exclusive: true, value: null, waitMs, leaseMs, auto: 'lock', of: null },
    };
    told.handle = this.claims.open(wish, { timeoutMs: 1000, ...options }, (one) => told.told.push(one));
    return told;
  }

  last(): Sent {
    return this.sent.at(-1)!;
  }

  alive(sentAtMs: number, op: number, clock: number, changes: readonly BelongingRecord[] = []): void {
    this.look();
    const answer = { kind: 'alive', clock, leaseMs, changes } as const;
    this.session.lease?.alive(sentAtMs, { epoch: 1, view: 1, op, answer });
  }

  notice(record: BelongingRecord): void {
    this.look();
    this.claims.receive({ kind: 'notice', namespaceId: 3, session: this.session.id, record });
  }
}

/** What the handler of a claim was told. */
class Told {
  handle!: ClaimHandle;
  readonly told: ClaimTold[] = [];

  get kinds(): string {
    return this.told.map((one) => (one.kind === 'ended' ? nameOf(one.error) : one.kind)).join(' ');
  }
}

const nameOf = ({ code, details }: ErrorInfo): string => (code === 'Lost' ? `Lost ${String(details['reason'])}` : code);

/** The reply of an entry that made a claim of its own op. */
function claimed(op: number, token: number, clock: number, changed = 0): Reply['answer'] {
  return { kind: 'result', result: { kind: 'claimed', claim: op, token, ahead: 0, clock, changed } };
}

function news(op: number, claim: number, kind: BelongingRecord['kind'], more: Partial<BelongingRecord> = {}) {
  return {
    op,
    path: '/l',
    claim,
    kind,
    token: kind === 'granted' ? op : 0,
    reason: null,
    until: null,
    items: [],
    ...more,
  };
}

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});

describe('a deadline', () => {
  it('is counted from the first sending of what was answered, less a hundredth', () => {
    const mine = desk.claim();
    desk.now += 4000;
    desk.last().answer(10, claimed(10, 10, 500_000));
    expect(mine.kinds).toBe('granted');
    expect(desk.look()).toBe(9900 - 4000);
    desk.now = 1000 + 9899;
    expect([mine.handle.held, mine.kinds]).toEqual([true, 'granted']);
    desk.now++;
    expect([mine.handle.held, mine.kinds]).toEqual([false, 'granted Lost lapsed']);
    // It is over for good, and the client gives it up.
    expect(desk.last().operation).toMatchObject({ kind: 'abandon', path: '/l', claim: 10 });
    desk.alive(desk.now, 11, 510_000);
    expect(mine.handle.held).toBe(false);
  });

  it('moves with each keep-alive that is answered, by the best pair', () => {
    const mine = desk.claim();
    desk.last().answer(10, claimed(10, 10, 500_000));
    desk.now = 5000;
    desk.alive(4000, 11, 503_100);
    expect(desk.look()).toBeCloseTo(1000 + 0.99 * (503_100 + 10_000 - 500_000) - 5000, 6);
    // An older answer changes nothing.
    desk.alive(2000, 10, 501_000);
    expect(desk.look()).toBeCloseTo(1000 + 0.99 * 13_100 - 5000, 6);
    expect(mine.handle.held).toBe(true);
  });

  it('is not moved by an answer that may come from after a loss', () => {
    const mine = desk.claim();
    desk.last().answer(10, claimed(10, 10, 500_000));
    // It was stolen at op 20, whose notice was lost. What is claimed later shows that something was missed.
    desk.now = 6000;
    const later = desk.claim('/m');
    desk.last().answer(21, claimed(21, 21, 505_000, 20));
    expect(later.kinds).toBe('');
    // The first was sent with the first claim.
    expect(desk.keepAlives).toBe(2);
    // The same deadline, only known better: these 5,000 ms took no more than 5,000 there.
    expect(desk.look()).toBe(9900 - 5000 + 50);
    desk.alive(6000, 22, 505_100, [news(20, 10, 'revoked', { reason: 'stolen', token: 10, until: 510_000 })]);
    expect([mine.kinds, later.kinds]).toEqual(['granted Lost stolen', 'granted']);
    expect(desk.last().operation).toMatchObject({ kind: 'abandon', path: '/l', claim: 10 });
  });

  it('comes earlier when the machine slept while its monotonic clock stood still', () => {
    const mine = desk.claim();
    desk.last().answer(10, claimed(10, 10, 500_000));
    desk.ahead += 24;
    expect(desk.look()).toBe(9900);
    desk.now += 1000;
    desk.ahead += 9000;
    expect([mine.handle.held, mine.kinds]).toEqual([false, 'granted Lost lapsed']);
    // What was sent before the sleep shows nothing of the time since.
    const other = desk.claim('/m');
    desk.now += 10;
    desk.ahead += 5000;
    desk.last().answer(12, claimed(12, 12, 500_500));
    expect(other.kinds).toBe('');
    desk.alive(desk.now, 13, 505_600);
    expect(other.kinds).toBe('granted');
    // That a wall clock is set back is nothing.
    desk.ahead = 0;
    expect(other.handle.held).toBe(true);
  });

  it('that has passed is not counted on again before something extends it', () => {
    const mine = desk.claim();
    desk.last().answer(10, claimed(10, 0, 500_000));
    desk.now += 20_000;
    desk.notice(news(15, 10, 'granted'));
    expect([mine.kinds, mine.handle.held, desk.keepAlives]).toEqual(['waits', false, 2]);
    desk.alive(desk.now, 16, 520_000, [news(15, 10, 'granted')]);
    expect([mine.kinds, mine.handle.held]).toEqual(['waits granted', true]);
  });
});

describe('of what is told about a claim, the newest counts', () => {
  it('also when it comes before the reply, which says that it waits', () => {
    const mine = desk.claim();
    desk.notice(news(12, 10, 'granted'));
    desk.last().answer(10, claimed(10, 0, 500_000));
    expect(mine.kinds).toBe('granted');
    expect(mine.told[0]).toMatchObject({ claim: 10, token: 12 });
  });

  it('also when the reply says that it was granted, and it was stolen since', () => {
    const mine = desk.claim();
    desk.notice(news(12, 10, 'revoked', { reason: 'stolen', token: 10, until: 510_000 }));
    desk.last().answer(10, claimed(10, 10, 500_000));
    expect([mine.kinds, mine.handle.held]).toEqual(['Lost stolen', false]);
    expect(desk.last().operation).toMatchObject({ kind: 'abandon', claim: 10 });
  });

  it('whatever is doubled and reordered', () => {
    const mine = desk.claim();
    desk.last().answer(10, claimed(10, 0, 500_000));
    const granted = news(12, 10, 'granted');
    for (const record of [granted, granted]) desk.notice(record);
    desk.notice(news(14, 10, 'revoked', { reason: 'stolen', token: 12, until: 510_000 }));
    desk.notice(granted);
    desk.alive(desk.now, 13, 500_100, [granted]);
    expect(mine.kinds).toBe('waits granted Lost stolen');
  });

  it('and grants are told in the order of ops', () => {
    const order: string[] = [];
    const claims = ['/a', '/b'].map((path) => desk.claim(path));
    const [a, b] = desk.sent;
    a!.answer(10, claimed(10, 0, 500_000));
    b!.answer(11, claimed(11, 0, 500_000));
    desk.now += 9950;
    // Both are granted while nothing can be counted on; the second one first.
    desk.notice({ ...news(21, 10, 'granted'), path: '/a' });
    desk.notice({ ...news(20, 11, 'granted'), path: '/b' });
    for (const [i, one] of claims.entries()) {
      const push = one.told.push.bind(one.told);
      one.told.push = (...told) => {
        order.push(`${i} ${told[0]!.kind}`);
        return push(...told);
      };
    }
    desk.alive(desk.now, 22, 510_000);
    expect(order).toEqual(['1 granted', '0 granted']);
  });

  it.each([
    ['waitOver', 'WaitOver'],
    ['deleted', 'PathNotFound'],
    ['tooMany', 'LimitExceeded'],
  ] as const)('a wait that ends by %s ends with %s', (reason, code) => {
    const mine = desk.claim();
    desk.last().answer(10, claimed(10, 0, 500_000));
    desk.notice(news(12, 10, 'ended', { reason }));
    expect(mine.kinds).toBe(`waits ${code}`);
  });

  it('a barrier is passed, and nothing is held', () => {
    const [first, second] = [desk.claim('/l', null, { passes: true }), desk.claim('/l', null, { passes: true })];
    desk.sent[0]!.answer(10, claimed(10, 10, 500_000));
    desk.sent[1]!.answer(11, claimed(11, 0, 500_000));
    desk.notice(news(12, 11, 'passed'));
    expect([first.kinds, second.kinds, second.handle.held]).toEqual(['passed', 'waits passed', false]);
  });
});

describe('what is given up', () => {
  it('is never granted, and the cluster is told until it answers', () => {
    const mine = desk.claim();
    mine.handle.cancel();
    const debt = desk.last();
    expect(debt.operation).toEqual({ kind: 'abandon', path: '/l', claim: 0, request: 1 });
    desk.notice(news(12, 10, 'granted'));
    debt.fail(errorInfo('Timeout', 'Timeout'));
    desk.claims.tick(desk.now);
    expect(desk.last().operation).toEqual(debt.operation);
    expect(desk.last()).not.toBe(debt);
    desk.last().answer(13, { kind: 'result', result: { kind: 'abandoned', was: 'granted' } });
    const count = desk.sent.length;
    desk.claims.tick(desk.now);
    expect([mine.kinds, desk.sent.length]).toEqual(['', count]);
  });

  it('by its number only in the session that made it', () => {
    const mine = desk.claim();
    mine.handle.cancel();
    desk.last().fail(errorInfo('Timeout', 'Timeout'));
    desk.session.lease?.ended(errorInfo('SessionGone', 'gone'));
    desk.session.gone();
    desk.session.opened(8, 'cd'.repeat(16), false);
    const count = desk.sent.length;
    desk.claim();
    desk.claims.tick(desk.now);
    expect(desk.sent.slice(count).map(({ operation }) => operation.kind)).toEqual(['claim']);
  });

  it('by its own claim when it stands in line, or when its time is over here', () => {
    const mine = desk.claim('/l', 500);
    desk.last().answer(10, claimed(10, 0, 500_000));
    desk.now += 1499;
    desk.claims.tick(desk.now);
    expect(mine.kinds).toBe('waits');
    desk.now++;
    desk.claims.tick(desk.now);
    expect(mine.kinds).toBe('waits WaitOver');
    expect(desk.last().operation).toEqual({ kind: 'abandon', path: '/l', claim: 10, request: 0 });
  });

  it('by a release is not counted on from then on, whatever comes of it', () => {
    const mine = desk.claim();
    desk.last().answer(10, claimed(10, 10, 500_000));
    const ends: unknown[] = [];
    mine.handle.release(0, 1000, (result) => ends.push(result));
    expect([mine.handle.held, desk.last().operation]).toEqual([
      false,
      { kind: 'release', path: '/l', claim: 10, token: 10, to: 0 },
    ]);
    desk.last().fail(errorInfo('Timeout', 'Timeout'));
    expect(desk.last().operation).toMatchObject({ kind: 'abandon', claim: 10 });
    mine.handle.release(0, 1000, (result) => ends.push(result));
    expect(ends).toMatchObject([
      { ok: false, error: { code: 'Timeout' } },
      { ok: true, value: false },
    ]);
    expect(mine.kinds).toBe('granted');
  });

  it('when its answer is lost, because it may have been made', () => {
    const mine = desk.claim();
    desk.last().fail(errorInfo('Timeout', 'Timeout'));
    expect(mine.kinds).toBe('Timeout');
    expect(desk.last().operation).toEqual({ kind: 'abandon', path: '/l', claim: 0, request: 1 });
  });
});

describe('with its session', () => {
  it('everything is lost: what is held, what waits, and what is on its way', () => {
    const [held, waits, asked] = [desk.claim('/a'), desk.claim('/b'), desk.claim('/c')];
    desk.sent[0]!.answer(10, claimed(10, 10, 500_000));
    desk.sent[1]!.answer(11, claimed(11, 0, 500_000));
    const gone = errorInfo('SessionGone', 'gone', { session: 7 });
    desk.session.lease?.ended(gone);
    desk.session.gone();
    // As the client says it of a request that may have been executed.
    desk.sent[2]!.fail({ ...gone, outcome: 'unknown' });
    // Its number would mean another claim in the next session.
    expect(desk.sent).toHaveLength(3);
    expect([held.kinds, waits.kinds, asked.kinds]).toEqual([
      'granted Lost sessionGone',
      'waits Lost sessionGone',
      'Lost sessionGone',
    ]);
    expect(desk.look()).toBe(Infinity);
  });

  it('that another process continues, the ClientID is not taken back', () => {
    const held = desk.claim();
    desk.last().answer(10, claimed(10, 10, 500_000));
    desk.session.lease?.ended(errorInfo('SessionGone', 'gone', { session: 7, continued: true }));
    expect(held.kinds).toBe('granted Lost continued');
    expect(desk.messages).toMatchObject([{ kind: 'unregister', session: 7 }]);
    expect(desk.session.taken).toMatchObject({ code: 'ClientIdTaken' });
  });

  it('that is kept alive by every third of the lease, and on every new connection', () => {
    desk.claim();
    desk.last().answer(10, claimed(10, 10, 500_000));
    desk.claims.tick(desk.now);
    expect(desk.keepAlives).toBe(1);
    desk.now += 3333;
    desk.claims.tick(desk.now);
    expect(desk.keepAlives).toBe(1);
    desk.now++;
    desk.claims.tick(desk.now);
    expect(desk.keepAlives).toBe(2);
    desk.claims.connected();
    expect(desk.keepAlives).toBe(3);
  });

  it('that has no lease and holds nothing, no more is sent', () => {
    desk.claim('/l', 0);
    desk.last().answer(10, { kind: 'error', error: errorInfo('Held', 'Held') });
    desk.session.lease?.alive(desk.now, {
      ...{ epoch: 1, view: 1, op: 11, answer: { kind: 'alive', clock: 1, leaseMs: 0, changes: [] } },
    });
    expect(desk.session.lease).toBeNull();
    desk.now += 60_000;
    desk.claims.tick(desk.now);
    expect(desk.keepAlives).toBe(0);
  });

  it('and the client that is closed, all is told', () => {
    const held = desk.claim();
    desk.last().answer(10, claimed(10, 10, 500_000));
    desk.claims.close();
    expect([held.kinds, desk.alarms.size]).toEqual(['granted Lost closed', 0]);
  });
});
