/** The bytes of logs and checkpoints: what one release wrote, the next one reads, and writes in the same way. */

import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../core/base/errors.ts';
import { Writer, bytesFromHex, hexFromBytes, utf8 } from '../../core/base/bytes.ts';
import { crc32 } from '../../core/base/crc32.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import { Catalog } from '../../core/cluster/catalog/catalog.ts';
import type { Body } from '../../core/service/body.ts';
import { decodeBody, encodeBody, encodeOperation } from '../../core/service/body.ts';
import type { Reply } from '../../core/service/reply.ts';
import { decodeReply, encodeReply, writeReply } from '../../core/service/reply.ts';
import { Service } from '../../core/service/service.ts';
import type { StateMachine } from '../../core/vr/ports.ts';
import { Driver, createCounter, limitsWith, secret, sessionMs, snapshotOf } from './driver.ts';

const put = { kind: 'blobPut', path: '/a', value: utf8('v'), ifVersion: 7, ifAbsent: false } as const;

const bodies: readonly (readonly [Body, string])[] = [
  [{ kind: 'operation', operation: put }, '01' + '03' + '022f61' + '0176' + '0107' + '00'],
  [{ kind: 'register', client: 'cli', secret }, '02' + '03636c69' + secret],
  [{ kind: 'unregister', session: 300, secret }, '03' + 'ac02' + secret],
  [
    {
      kind: 'keepAlive',
      sessions: [
        { session: 1, secret, heard: 0 },
        { session: 300, secret, heard: 0 },
      ],
    },
    '04' + '02' + '01' + secret + '00' + 'ac02' + secret + '00',
  ],
  [{ kind: 'expire' }, '05'],
  [{ kind: 'noop' }, '06'],
  [
    {
      kind: 'bind',
      client: 'cli',
      identity: { id: 'a', incarnation: '1f'.repeat(16) },
      attempt: 300,
      previous: 7,
      secret,
    },
    '07' + '03636c69' + '0161' + '1f'.repeat(16) + 'ac02' + '07' + secret,
  ],
];

const replies: readonly (readonly [Reply, string])[] = [
  [
    { epoch: 1, view: 6, op: 300, answer: { kind: 'result', result: { kind: 'done', version: 1 } } },
    '0106ac02' + '01' + '0101',
  ],
  [{ epoch: 1, view: 0, op: 3, answer: { kind: 'registered', session: 3, secret } }, '010003' + '03' + '03' + secret],
  [{ epoch: 1, view: 0, op: 4, answer: { kind: 'nothing' } }, '010004' + '04'],
  [
    { epoch: 1, view: 0, op: 5, answer: { kind: 'bound', session: 3, secret, continued: true } },
    '010005' + '05' + '03' + secret + '01',
  ],
];

describe('the bytes of', () => {
  it('a body', () => {
    for (const [body, hex] of bodies) {
      expect(hexFromBytes(encodeBody(body))).toBe(hex);
      expect(decodeBody(bytesFromHex(hex)!)).toEqual(body);
      expect(() => decodeBody(bytesFromHex(`${hex}00`)!)).toThrow(MalformedError);
    }
  });

  it('a reply', () => {
    for (const [reply, hex] of replies) {
      expect(hexFromBytes(encodeReply(reply))).toBe(hex);
      expect(decodeReply(bytesFromHex(hex)!)).toEqual(reply);
      const writer = new Writer();
      writeReply(writer, reply, reply.answer);
      expect(hexFromBytes(writer.view())).toBe(hex);
    }
  });

  it('a snapshot: the name of its kind, its format, the header, the sessions, the tree', () => {
    const driver = new Driver({ maxSessions: 2 });
    driver.wait(5);
    const session = driver.register('cli');
    driver.request(session, 0, createCounter('/n'), 0);
    const text = hexFromBytes(Buffer.concat(snapshotOf(driver.service)));
    expect(text.startsWith(hexFromBytes(utf8('haret namespace')) + '04')).toBe(true);
    const reply = hexFromBytes(driver.service.reply(session, 0));
    // Session 1 of "cli", which holds no ClientID, was seen at 5 ms, and has no lease and nothing to hear. Its window [0, 1) has one reply, with the
    // digest of what that reply answers.
    const digest = new Writer();
    digest.uint(crc32(encodeOperation(createCounter('/n'))));
    const kept = `0500000001000001${hexFromBytes(digest.view())}${(reply.length / 2).toString(16).padStart(2, '0')}${reply}`;
    expect(text).toContain(`0103636c69${secret}0100${kept}`);
    const copy = new Service(limitsWith(), defaultLimits);
    copy.restore([bytesFromHex(text)!]);
    expect(snapshotOf(copy)).toEqual(snapshotOf(driver.service));
  });
});

describe('a snapshot', () => {
  it('comes in pieces of about the size that was asked for', () => {
    const driver = new Driver();
    for (let i = 0; i < 500; i++) {
      const session = driver.register(`client ${i}`);
      driver.request(session, 0, { kind: 'create', path: `/b${i}`, type: 'blob', value: new Uint8Array(20) }, 0);
    }
    const pieces = snapshotOf(driver.service, 1000);
    expect(pieces.every((piece) => piece.length > 0 && piece.length < 1200)).toBe(true);
    expect(pieces.length).toBeLessThan(50);
  });

  it('of 20,000 sessions is taken at once, and evicting one looks at none of them', () => {
    const driver = new Driver({ maxSessions: 20_000 });
    for (let i = 0; i < 20_000; i++) driver.register();
    const held = driver.service.snapshot();
    driver.wait(sessionMs);
    for (let i = 0; i < 20_000; i++) driver.register();
    expect(driver.service.hasSession(20_000, secret)).toBe(false);
    expect(driver.service.hasSession(20_001, secret)).toBe(true);
    const copy = new Service(limitsWith(), defaultLimits);
    copy.restore({
      *[Symbol.iterator]() {
        for (let piece = held.next(65_536); piece !== null; piece = held.next(65_536)) yield piece;
      },
    });
    expect(copy.stats().sessions).toBe(20_000);
    expect(copy.hasSession(1, secret)).toBe(true);
    expect(copy.hasSession(20_001, secret)).toBe(false);
  });

  it('of one kind is refused by the other', () => {
    const catalog = new Catalog();
    const service = new Service(limitsWith(), defaultLimits);
    const pieces = snapshotOf(service);
    expect(() => catalog.restore(pieces)).toThrow('is not a snapshot of a catalog');
    const machines: readonly StateMachine[] = [service, catalog];
    const snapshot = catalog.snapshot();
    expect(() => machines[0]!.restore([snapshot.next(100)!])).toThrow('is not a snapshot of a namespace');
  });
});
