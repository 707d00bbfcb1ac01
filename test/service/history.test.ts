/** What a service remembers for watches: each change once, in order, as far back as its bounds allow. */

import { describe, expect, it } from 'vitest';
import { textOf, utf8 } from '../../core/base/bytes.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import { Service } from '../../core/service/service.ts';
import { changeValue } from '../../core/tree/change.ts';
import type { TreeChange } from '../../core/tree/change.ts';
import type { Operation } from '../../core/tree/operation.ts';
import { Driver, limitsWith, restored, snapshotOf } from './driver.ts';

function said(change: TreeChange): string {
  const value = changeValue(change);
  const detail = value === null ? change.number : textOf(value);
  return `${change.kind} ${change.type} ${change.path} v${change.version}${detail === null ? '' : ` ${detail}`}`;
}

function story(service: Service, after = service.history.floor): string[] {
  return [...service.history.after(after)].map(({ op, changes }) => `${op}: ${changes.map(said).join(', ')}`);
}

class Writer {
  readonly driver = new Driver();
  readonly session = this.driver.register();
  #request = 0;

  do(operation: Operation): void {
    this.driver.request(this.session, this.#request++, operation);
  }

  create(path: string, type: 'blob' | 'queue' | 'set' | 'counter', value: string | null = null): void {
    this.do({ kind: 'create', path, type, value: value === null ? null : utf8(value) });
  }

  put(path: string, value: string): void {
    this.do({ kind: 'blobPut', path, value: utf8(value), ifVersion: null, ifAbsent: false });
  }
}

describe('the history of a service', () => {
  it('has every kind of change, with the version and the value after it', () => {
    const writer = new Writer();
    writer.create('/a/b/blob', 'blob', 'one');
    writer.put('/a/b/blob', 'two');
    writer.create('/q', 'queue');
    writer.do({ kind: 'queuePush', path: '/q', value: utf8('x') });
    writer.do({ kind: 'queuePop', path: '/q' });
    writer.create('/s', 'set');
    writer.do({ kind: 'setInsert', path: '/s', member: utf8('m') });
    writer.do({ kind: 'setRemove', path: '/s', member: utf8('m') });
    writer.create('/n', 'counter', '5');
    writer.do({ kind: 'counterAdd', path: '/n', by: -7 });
    writer.do({ kind: 'delete', path: '/a', recursive: true, ifVersion: null });
    expect(story(writer.driver.service)).toEqual([
      '2: created directory /a v0, created directory /a/b v0, created blob /a/b/blob v0 one',
      '3: put blob /a/b/blob v1 two',
      '4: created queue /q v0',
      '5: pushed queue /q v1 x',
      '6: popped queue /q v2 x',
      '7: created set /s v0',
      '8: inserted set /s v1 m',
      '9: removed set /s v2 m',
      '10: created counter /n v0 5',
      '11: counted counter /n v1 -2',
      '12: deleted directory /a v1',
    ]);
  });

  it('tells old changes, which it packed, as it told them when they were new', () => {
    const writer = new Writer();
    writer.create('/a/é', 'blob', 'one');
    writer.create('/big', 'blob', 'b'.repeat(3000));
    writer.do({
      kind: 'blobPut',
      path: '/a/é',
      value: new Uint8Array([0, 255, 128]),
      ifVersion: null,
      ifAbsent: false,
    });
    writer.create('/n', 'counter', '-5');
    writer.do({ kind: 'counterAdd', path: '/n', by: -7 });
    writer.do({ kind: 'delete', path: '/a', recursive: true, ifVersion: null });
    writer.do({ kind: 'delete', path: '/n', recursive: false, ifVersion: null });
    const { op, service } = writer.driver;
    const told = (change: TreeChange): unknown => [said(change), changeValue(change), change.removed?.count];
    const all = (): unknown[] =>
      [...service.history.after(0)]
        .filter((record) => record.op <= op)
        .map((record) => [record.op, record.timestamp, record.changes.map(told)]);
    const young = all();
    for (let i = 0; i < 3000; i++) writer.put('/big', `v${i}`);
    expect(all()).toEqual(young);
    const ops = [...service.history.after(op - 3)].map((record) => record.op);
    expect(ops).toEqual(Array.from({ length: 3003 }, (_, i) => op - 2 + i));
  });

  it('has nothing for entries that changed nothing: errors, duplicates, an empty pop, and a transaction that failed half way', () => {
    const writer = new Writer();
    writer.create('/q', 'queue');
    writer.create('/s', 'set');
    const from = writer.driver.op;
    writer.create('/q', 'queue');
    writer.do({ kind: 'queuePop', path: '/q' });
    writer.do({ kind: 'setRemove', path: '/s', member: utf8('m') });
    const put: Operation = { kind: 'queuePush', path: '/q', value: utf8('x') };
    writer.do({ kind: 'transaction', guards: [], then: [put, { kind: 'queuePop', path: '/none' }], otherwise: [] });
    writer.driver.request(writer.session, 2, put);
    expect(story(writer.driver.service, from)).toEqual([]);
  });

  it('has a transaction as one record with everything that it did, in order', () => {
    const writer = new Writer();
    writer.do({
      kind: 'transaction',
      guards: [{ kind: 'absent', path: '/x' }],
      then: [
        { kind: 'create', path: '/x', type: 'counter', value: null },
        { kind: 'counterAdd', path: '/x', by: 2 },
      ],
      otherwise: [],
    });
    expect(story(writer.driver.service)).toEqual(['2: created counter /x v0 0, counted counter /x v1 2']);
  });

  it('begins again at any op that it still has, and says from which op on it is complete', () => {
    const service = new Service(limitsWith(), { ...defaultLimits, watchHistoryMs: 1000 });
    const driver = new Driver();
    const session = driver.register();
    for (let i = 0; i < 2000; i++) {
      driver.wait(1);
      driver.request(session, i, { kind: 'create', path: `/k${i}`, type: 'blob', value: null });
    }
    for (const entry of driver.log) service.apply(entry);
    const { floor } = service.history;
    // History is dropped in pieces, so up to one piece more than asked for is there.
    expect(floor).toBeGreaterThan(500);
    expect(floor).toBeLessThanOrEqual(1001);
    for (const after of [floor, floor + 1, 1500, 1999, 2000, 2001, 3000]) {
      const ops = [...service.history.after(after)].map((record) => record.op);
      expect(ops).toEqual(Array.from({ length: Math.max(0, 2001 - after) }, (_, i) => after + 1 + i));
    }
    expect(() => [...service.history.after(floor - 1)]).toThrow();
  });

  it('stays within its limit of bytes', () => {
    const limits = { ...defaultLimits, watchHistoryBytes: 100_000 };
    const service = new Service(limitsWith(), limits);
    const writer = new Writer();
    writer.create('/a', 'blob');
    for (let i = 0; i < 1000; i++) writer.put('/a', 'v'.repeat(500));
    for (const entry of writer.driver.log) service.apply(entry);
    expect(service.history.bytes).toBeLessThanOrEqual(100_000);
    expect(service.history.bytes).toBeGreaterThan(50_000);
    expect([...service.history.after(service.history.floor)].length).toBeGreaterThan(50);
  });

  it('is rebuilt when the log is applied again, and begins anew at a checkpoint', () => {
    const writer = new Writer();
    writer.create('/a', 'blob');
    writer.put('/a', 'x');
    const copy = restored(snapshotOf(writer.driver.service));
    expect(copy.history.floor).toBe(writer.driver.op);
    expect(story(copy)).toEqual([]);
    writer.put('/a', 'y');
    const last = writer.driver.log[writer.driver.log.length - 1]!;
    copy.apply(last);
    expect(story(copy)).toEqual([`${last.op}: put blob /a v2 y`]);
  });
});
