/**
 * What holds for every log: equal entries give equal replies and equal bytes; a snapshot is the state; nothing runs
 * twice.
 * @module-tag slow
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../core/base/limits.ts';
import { MalformedError } from '../../core/base/errors.ts';
import type { Body } from '../../core/service/body.ts';
import { encodeBody, encodeOperation } from '../../core/service/body.ts';
import { IdleOrder } from '../../core/service/idle-order.ts';
import type { IdleNode } from '../../core/service/idle-order.ts';
import { decodeReply } from '../../core/service/reply.ts';
import { ReplyWindow } from '../../core/service/reply-window.ts';
import type { ServiceEntry } from '../../core/service/service.ts';
import { Service } from '../../core/service/service.ts';
import { nodeTypes } from '../../core/tree/names.ts';
import { isLeafType } from '../../core/tree/node.ts';
import type { Operation } from '../../core/tree/operation.ts';
import { Driver, createCounter, increment, limitsWith, rechunk, restored, secret, snapshotOf } from './driver.ts';

const small = { maxSessions: 4, maxWindow: 5, maxWindowReplyBytes: 300 };
const paths = fc.constantFrom('/a', '/b', '/d/a', '/d/b/c', '/q', '/s', '/n', '/d', '//');
const value = fc.uint8Array({ maxLength: 60, size: 'max' });

const operations: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant('create' as const),
    path: paths,
    type: fc.constantFrom('directory', ...nodeTypes.filter(isLeafType)),
    value: fc.constant(null),
  }),
  fc.record({
    kind: fc.constant('blobPut' as const),
    path: paths,
    value,
    ifVersion: fc.constant(null),
    ifAbsent: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('queuePush' as const), path: paths, value }),
  fc.record({ kind: fc.constant('queuePop' as const), path: paths }),
  fc.record({ kind: fc.constant('setInsert' as const), path: paths, member: value }),
  fc.record({ kind: fc.constant('counterAdd' as const), path: paths, by: fc.integer() }),
  fc.record({
    kind: fc.constant('delete' as const),
    path: paths,
    recursive: fc.boolean(),
    ifVersion: fc.constant(null),
  }),
  fc.record({ kind: fc.constant('blobGet' as const), path: paths }),
);

/** A step of a log. A session is named by how many registrations ago it was made. */
type Step = { readonly waitMs: number } & (
  | { readonly kind: 'own'; readonly body: Body }
  | { readonly kind: 'about'; readonly ago: readonly number[]; readonly end: boolean }
  | {
      readonly kind: 'request';
      readonly ago: number;
      readonly ahead: number;
      readonly open: number;
      readonly operation: Operation;
    }
  | { readonly kind: 'garbage'; readonly ago: number; readonly bytes: Uint8Array }
);
const waitMs = fc.integer({ min: 0, max: 300 });
const ago = fc.integer({ min: 0, max: 6 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      waitMs,
      kind: fc.constant('own' as const),
      body: fc.constantFrom<Body>(
        { kind: 'register', client: 'c', secret },
        { kind: 'register', client: 'é', secret },
        { kind: 'expire' },
        { kind: 'noop' },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      waitMs,
      kind: fc.constant('about' as const),
      ago: fc.array(ago, { maxLength: 4 }),
      end: fc.boolean(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      waitMs,
      kind: fc.constant('request' as const),
      ago: fc.constantFrom(0, 0, 0, 1, 2, 3, 6),
      ahead: fc.constantFrom(0, 0, 0, 0, 0, -1, -2, 1, 7),
      // Now and then a client claims more answers than it can have.
      open: fc.integer({ min: -2, max: 6 }),
      operation: operations,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      waitMs,
      kind: fc.constant('garbage' as const),
      ago,
      bytes: fc.uint8Array({ maxLength: 12 }),
    }),
  },
);

/** Plays the steps into a log and returns it with the replies. */
function play(driver: Driver, list: readonly Step[]): Uint8Array[] {
  const { registered } = driver;
  const sessionOf = (back: number): number => registered[registered.length - 1 - back] ?? 4_000_000;
  return list.map((step) => {
    driver.wait(step.waitMs);
    switch (step.kind) {
      case 'own': {
        const reply = driver.apply(driver.entry(0, 0, 0, encodeBody(step.body)));
        if (step.body.kind === 'register') registered.push(driver.op);
        return reply;
      }
      case 'about': {
        const sessions = step.ago.map(sessionOf);
        const body: Body = step.end
          ? { kind: 'unregister', session: sessions[0] ?? 0, secret }
          : { kind: 'keepAlive', sessions: sessions.map((session) => ({ session, secret, heard: 0 })) };
        return driver.apply(driver.entry(0, 0, 0, encodeBody(body)));
      }
      case 'garbage':
        return driver.apply(driver.entry(sessionOf(step.ago), 0, 0, step.bytes));
      case 'request': {
        const session = sessionOf(step.ago);
        const next = driver.service.hasSession(session, secret) ? driver.service.nextRequest(session) : 0;
        const request = Math.max(0, next + step.ahead);
        return driver.apply(
          driver.entry(session, request, Math.max(0, request - step.open), encodeOperation(step.operation)),
        );
      }
    }
  });
}

function replay(service: Service, log: readonly ServiceEntry[]): Uint8Array[] {
  return log.map((entry) => service.apply(entry));
}

describe('for every log', () => {
  it('equal entries give equal replies, equal sizes and equal snapshots', () => {
    fc.assert(
      fc.property(
        fc.array(steps, { maxLength: 80, size: 'max' }),
        fc.integer({ min: 1, max: 500 }),
        (list, pieceBytes) => {
          const driver = new Driver(small);
          const replies = play(driver, list);
          const twin = new Service(limitsWith(small), defaultLimits);
          expect(replay(twin, driver.log)).toEqual(replies);
          expect(twin.size()).toBe(driver.service.size());
          expect(twin.deadline()).toBe(driver.service.deadline());
          expect(Buffer.concat(snapshotOf(twin, pieceBytes))).toEqual(Buffer.concat(snapshotOf(driver.service)));
        },
      ),
      { numRuns: 80 },
    );
  });

  it('a restored state is the same state: it answers all later entries in the same way', () => {
    fc.assert(
      fc.property(
        fc.array(steps, { maxLength: 60, size: 'max' }),
        fc.array(steps, { maxLength: 60, size: 'max' }),
        fc.integer({ min: 1, max: 99 }),
        (first, then, chunk) => {
          const driver = new Driver(small);
          play(driver, first);
          const held = driver.service.snapshot();
          const before = snapshotOf(driver.service);
          const copy = restored(rechunk(before, chunk));
          expect(copy.size()).toBe(driver.service.size());
          expect(copy.limits).toEqual(driver.service.limits);
          const from = driver.log.length;
          const replies = play(driver, then);
          expect(replay(copy, driver.log.slice(from))).toEqual(replies);
          expect(Buffer.concat(snapshotOf(copy))).toEqual(Buffer.concat(snapshotOf(driver.service)));
          expect(copy.deadline()).toBe(driver.service.deadline());
          // A snapshot that was taken before is still the same, whatever was applied meanwhile.
          const pieces: Uint8Array[] = [];
          for (let piece = held.next(64); piece !== null; piece = held.next(64)) pieces.push(piece);
          expect(Buffer.concat(pieces)).toEqual(Buffer.concat(before));
        },
      ),
      { numRuns: 80 },
    );
  });

  it('entries that come again run once, wherever they come again', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 60, size: 'max' }), (picks) => {
        const driver = new Driver();
        const session = driver.register();
        driver.request(session, 0, createCounter('/n'), 0);
        const replies = new Map<number, Uint8Array>();
        let next = 1;
        for (const pick of picks) {
          // A fresh request, or an earlier one again.
          const request = pick < 8 ? next++ : 1 + (pick % next);
          if (request >= next) next = request + 1;
          const reply = driver.apply(driver.entry(session, request, 0, encodeOperation(increment('/n'))));
          expect(reply).toEqual(replies.get(request) ?? reply);
          replies.set(request, reply);
        }
        expect(driver.counter('/n')).toBe(next - 1);
      }),
    );
  });

  it('sessions and their windows stay within their bounds, and sizes add up', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 100, size: 'max' }), (list) => {
        const driver = new Driver(small);
        for (const reply of play(driver, list)) decodeReply(reply);
        expect(driver.service.stats().sessions).toBeLessThanOrEqual(small.maxSessions);
        expect(driver.service.stats().bytes).toBe(driver.service.size());
        expect(restored(snapshotOf(driver.service)).stats().sessionBytes).toBe(driver.service.stats().sessionBytes);
      }),
      { numRuns: 60 },
    );
  });
});

describe('bytes that are not a snapshot', () => {
  it('leave the state as it was', () => {
    const driver = new Driver(small);
    const session = driver.register();
    driver.request(session, 0, createCounter('/n'), 0);
    const whole = Buffer.concat(snapshotOf(driver.service));
    for (let cut = 0; cut < whole.length; cut++) {
      expect(() => driver.service.restore([new Uint8Array(whole.subarray(0, cut))])).toThrow(MalformedError);
    }
    expect(() => driver.service.restore([new Uint8Array(whole), new Uint8Array([0])])).toThrow(MalformedError);
    const otherFormat = new Uint8Array(whole);
    otherFormat['haret namespace'.length] = 99;
    expect(() => driver.service.restore([otherFormat])).toThrow(/format 99/);
    const earlier = new Uint8Array(whole);
    // The op of the header, after format and length. It is now that of the registration, before the counter was made.
    earlier['haret namespace'.length + 2] = session;
    expect(() => driver.service.restore([earlier])).toThrow(/ahead of its op/);
    expect(Buffer.concat(snapshotOf(driver.service))).toEqual(whole);
  });

  it('never do anything worse when one byte is changed', () => {
    const driver = new Driver(small);
    const session = driver.register();
    driver.request(session, 0, createCounter('/n'), 0);
    const whole = Buffer.concat(snapshotOf(driver.service));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const bytes = new Uint8Array(whole);
        bytes[at] = byte;
        try {
          restored([bytes]);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the parts', () => {
  it('the idle order always finds the one that was idle longest', () => {
    const moves = fc.array(
      fc.record({
        move: fc.constantFrom('add', 'add', 'add', 'see', 'see', 'see', 'see', 'see', 'remove'),
        pick: fc.nat(50),
        by: fc.nat(3),
      }),
      { maxLength: 200, size: 'max' },
    );
    fc.assert(
      fc.property(moves, (list) => {
        const order = new IdleOrder();
        const nodes: IdleNode[] = [];
        let now = 0;
        let id = 0;
        for (const { move, pick, by } of list) {
          now += by;
          const node = nodes[pick % Math.max(nodes.length, 1)];
          // A restored session was last seen at some time before.
          if (move === 'add') nodes.push(order.add(++id, Math.max(0, now - pick), 0));
          else if (node !== undefined && move === 'see') node.seenMs = now;
          else if (node !== undefined) {
            order.remove(node);
            nodes.splice(nodes.indexOf(node), 1);
          }
          const oldest = [...nodes].sort((a, b) => a.seenMs - b.seenMs || a.id - b.id)[0] ?? null;
          if (pick % 3 === 0) expect(order.first()).toBe(oldest);
        }
        expect(order.size).toBe(nodes.length);
        nodes.sort((a, b) => a.seenMs - b.seenMs || a.id - b.id);
        for (const node of nodes) {
          expect(order.first()).toBe(node);
          order.remove(node);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('the reply window holds the replies that were pushed and not trimmed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(80)), { maxLength: 300, size: 'max' }), (list) => {
        const window = new ReplyWindow(3);
        const model = new Map<number, Uint8Array>();
        let base = 3;
        let next = 3;
        for (const [push, by] of list) {
          if (push || by > 20) {
            const reply = new Uint8Array(by);
            window.push(reply, by);
            model.set(next++, reply);
          } else {
            base = Math.max(base, next - 15 + by);
            next = Math.max(next, base);
            window.trim(base);
            for (const request of [...model.keys()]) if (request < base) model.delete(request);
          }
        }
        for (const copy of [window, window.clone()]) {
          expect([copy.base, copy.next, copy.count]).toEqual([base, next, model.size]);
          expect(copy.bytes).toBe([...model.values()].reduce((sum, reply) => sum + reply.length, 0));
          for (const [request, reply] of model) expect(copy.get(request)).toBe(reply);
        }
      }),
    );
  });
});
