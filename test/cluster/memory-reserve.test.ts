/** The reserve of memory: what grows is refused in time, whatever the engine tells of dead objects. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { ErrorInfo } from '../../core/base/errors.ts';
import { errorInfo } from '../../core/base/errors.ts';
import type { MemoryUse } from '../../core/base/ports.ts';
import type { Waiter } from '../../core/cluster/replicas/job.ts';
import { MemoryReserve } from '../../core/cluster/replicas/memory-reserve.ts';
import { encodeBody, encodeOperation } from '../../core/service/body.ts';
import type { Operation, SimpleOperation } from '../../core/tree/operation.ts';

const limitBytes = 100_000_000;
const write: Operation = { kind: 'create', path: '/a', type: 'blob', value: new Uint8Array(16) };
const grows = encodeOperation(write);
const removes = encodeOperation({ kind: 'delete', path: '/a', recursive: true, ifVersion: null });
const many = (count: number): Uint8Array => {
  const then = Array.from({ length: count }, (_, i): SimpleOperation => ({
    kind: 'create',
    path: `/${i}`,
    type: 'set',
    value: null,
  }));
  return encodeOperation({ kind: 'transaction', guards: [], then, otherwise: [] });
};

let use: MemoryUse;
let stateBytes: number;
let nowMs: number;
let reserve: MemoryReserve;
let answers: number;

beforeEach(() => {
  use = { usedBytes: 10_000_000, limitBytes };
  stateBytes = 0;
  nowMs = 0;
  answers = 0;
  waiting = [];
  reserve = new MemoryReserve({ use: () => use }, () => stateBytes);
  uses(10_000_000);
});

/** The engine tells of so much, the next time that it is asked. @returns true when an operator is told something. */
function uses(usedBytes: number): boolean {
  use = { usedBytes, limitBytes };
  return reserve.tick((nowMs += 50));
}

/** Who waits for what was taken in. Nobody has answered yet. */
let waiting: Waiter[] = [];

function refused(body: Uint8Array): ErrorInfo | null {
  const taken = reserve.takes(body, { reply: () => answers++, fail: () => answers++ });
  if (taken.refusal === null) waiting.push(taken.waiter);
  return taken.refusal;
}

function pass(ms: number): void {
  for (const end = nowMs + ms; nowMs < end;) reserve.tick((nowMs += 50));
}

describe('the reserve of memory', () => {
  it('refuses what grows while live objects leave too little, and nothing else', () => {
    expect(refused(grows)).toBeNull();
    uses(90_000_000);
    // A collection shows that little of it is garbage.
    expect(uses(75_000_000)).toBe(true);
    expect(reserve.low).toBe(true);
    expect(refused(grows)).toMatchObject({
      code: 'MemoryLow',
      outcome: 'definite',
      retryable: true,
      details: { limit: 70_000_000, actual: 75_000_000 },
    });
    expect(refused(many(3))?.code).toBe('MemoryLow');
    expect(refused(removes)).toBeNull();
    expect(refused(encodeOperation({ kind: 'counterAdd', path: '/c', by: 1 }))).toBeNull();
    expect(refused(encodeBody({ kind: 'noop' }))).toBeNull();
    expect(refused(Uint8Array.of(99))).toBeNull();
    expect(reserve.refused).toBe(2);
    expect(reserve.refusesSessions()).toBeNull();
    expect(reserve.problem).toMatch(/needs 75000000 of the 100000000 bytes/);
  });

  it('is not misled by garbage', () => {
    uses(95_000_000);
    expect(reserve.low).toBe(false);
    expect(refused(grows)).toBeNull();
    expect(reserve.use).toEqual({ needBytes: 10_000_000, limitBytes });
  });

  it('counts what the state has grown by since the last collection, and never more than is in use', () => {
    stateBytes = 5_000_000;
    uses(72_000_000);
    expect(reserve.use?.needBytes).toBe(72_000_000);
    expect(refused(grows)?.code).toBe('MemoryLow');
    uses(30_000_000);
    expect(reserve.use?.needBytes).toBe(30_000_000);
    expect(refused(grows)).toBeNull();
  });

  it('counts what was taken in and is not part of the state yet', () => {
    uses(8_000_000);
    uses(60_000_000);
    const before = stateBytes;
    uses(55_000_000);
    let taken = 0;
    while (refused(many(500)) === null) taken++;
    // 15 MB are left until growth is refused, and each operation may cost 400 bytes.
    expect(taken).toBe(75);
    expect(stateBytes).toBe(before);
    expect(reserve.low).toBe(true);
    expect(refused(removes)).toBeNull();
    pass(60_000);
    expect(refused(many(500))?.code).toBe('MemoryLow');
    // Whatever becomes of it, it counts no longer.
    for (const [i, waiter] of waiting.splice(0).entries()) {
      if (i % 2 === 0) waiter.reply(new Uint8Array(0));
      else waiter.fail(errorInfo('Timeout', 'no quorum'));
    }
    expect(answers).toBe(76);
    pass(5_000);
    expect(reserve.low).toBe(false);
    expect(refused(many(500))).toBeNull();
  });

  it('looks at no request while there is much room, and at each when it may have been used up', () => {
    let bytes = 0;
    // A request of one large value. It may have been ten thousand small ones.
    const large = encodeOperation({ kind: 'create', path: '/a', type: 'blob', value: new Uint8Array(1_000_000) });
    for (let i = 0; i < 100; i++) {
      expect(refused(large)).toBeNull();
      bytes += large.length;
    }
    expect(bytes).toBeGreaterThan(limitBytes);
    let taken = 0;
    while (refused(many(1000)) === null) taken++;
    // 60 MB are left, and what was not looked at was small.
    expect(taken).toBeGreaterThanOrEqual(150);
    expect(taken).toBeLessThan(230);
  });

  it('takes growth again only when a little more has become free, so that it does not change to and fro', () => {
    uses(80_000_000);
    uses(71_000_000);
    expect(reserve.low).toBe(true);
    uses(69_000_000);
    expect(refused(grows)?.code).toBe('MemoryLow');
    uses(66_000_000);
    expect(refused(grows)).toBeNull();
    expect(reserve.low).toBe(true);
    pass(5_100);
    expect(reserve.low).toBe(false);
  });

  it('asks for a collection when growth is refused, and again when the state has shrunk, but not all the time', () => {
    let collections = 0;
    reserve = new MemoryReserve({ use: () => use, collect: () => (collections++, 300) }, () => stateBytes);
    stateBytes = 1_000_000;
    uses(65_000_000);
    expect(collections).toBe(0);
    uses(80_000_000);
    uses(75_000_000);
    expect(reserve.low).toBe(true);
    expect(collections).toBe(1);
    pass(60_000);
    expect(collections).toBe(1);
    // Each collection takes 300 ms, and there are at least twenty times as many before the next.
    for (let seconds = 0; seconds < 60; seconds++) {
      stateBytes -= 1000;
      pass(1000);
    }
    expect(collections).toBeGreaterThanOrEqual(10);
    expect(collections).toBeLessThanOrEqual(12);
    uses(30_000_000);
    pass(6000);
    const before = collections;
    expect(reserve.low).toBe(false);
    uses(90_000_000);
    uses(85_000_000);
    expect(collections).toBe(before + 1);
  });

  it('refuses new sessions when there is next to nothing left', () => {
    uses(99_000_000);
    uses(90_000_000);
    expect(reserve.refusesSessions()?.code).toBe('MemoryLow');
  });

  it('keeps at most a gibibyte of a large memory', () => {
    const large = 8 * 1024 ** 3;
    const at = (usedBytes: number): void => {
      use = { usedBytes, limitBytes: large };
      reserve.tick((nowMs += 50));
    };
    at(large);
    at(large - 1.1 * 1024 ** 3);
    expect(refused(grows)).toBeNull();
    at(large);
    at(large - 0.9 * 1024 ** 3);
    expect(refused(grows)?.code).toBe('MemoryLow');
  });

  it('refuses nothing where the host tells of no bound', () => {
    const none = new MemoryReserve(null, () => 1e12);
    expect(none.tick(50)).toBe(false);
    const waiter = { reply: () => undefined, fail: () => undefined };
    expect(none.takes(grows, waiter)).toEqual({ waiter, refusal: null });
    expect([none.low, none.use, none.refusesSessions()]).toEqual([false, null, null]);
  });
});
