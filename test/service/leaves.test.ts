/**
 * What holds for a leaf of every type, whatever is done to it. A service makes leaves, changes them by operations that
 * are drawn, tells watches of it, and comes back from a snapshot. A new type is tested here from the moment that it has
 * forms. So nothing that a leaf holds may be left out of what watches are told, nor of a snapshot.
 * @module-tag slow
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Writer, utf8 } from '../../core/base/bytes.ts';
import { decodeEvent } from '../../core/service/events.ts';
import type { HistoryRecord } from '../../core/service/history.ts';
import { eventOf } from '../../core/cluster/watching/watch.ts';
import { changeValue, contents } from '../../core/tree/change.ts';
import type { TreeChange } from '../../core/tree/change.ts';
import { leafRules } from '../../core/tree/kinds/leaves.ts';
import { DirectoryNode } from '../../core/tree/node.ts';
import type { LeafNode } from '../../core/tree/node.ts';
import type { Operation, SimpleOperation } from '../../core/tree/operation.ts';
import { forms } from '../../core/tree/operations/index.ts';
import { dataTypes, jobKinds } from '../tree/data.ts';
import { simpleKinds } from '../wire/arbitrary.ts';
import { Driver, snapshotOf } from './driver.ts';

const directory = '/d';
const path = `${directory}/leaf`;

/** Any operation of one kind, on the leaf. */
function drawn(kind: string): fc.Arbitrary<SimpleOperation> {
  const fields = (simpleKinds as Readonly<Record<string, Readonly<Record<string, fc.Arbitrary<unknown>>>>>)[kind]!;
  const here = 'path' in fields ? { path: fc.constant(path) } : {};
  return fc.record({
    kind: fc.constant(kind),
    ...fields,
    ...here,
  }) as fc.Arbitrary<unknown> as fc.Arbitrary<SimpleOperation>;
}

/** The first value: none, some bytes, or a number as text. */
const firstValue = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 4 }),
  fc.maxSafeInteger().map((number) => utf8(String(number))),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => utf8(String(number))),
);

interface State {
  /** What a snapshot has of the leaf, apart from its name and versions. */
  readonly content: string;
  /** What a watch that begins now is told of it. */
  readonly told: readonly Said[];
  readonly version: number;
}

interface Said {
  readonly kind: string;
  readonly value: string | null;
  readonly number: number | null;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function said(change: TreeChange): Said {
  const value = changeValue(change);
  return { kind: change.kind, value: value === null ? null : hex(value), number: change.number };
}

/** The leaf, or null where none is. A tree hands out the nodes that went with their directory. */
function leafOf(driver: Driver): LeafNode | null {
  const { changes } = driver.service.tree.apply(
    { kind: 'delete', path: directory, recursive: true, ifVersion: null },
    driver.op + 1,
  );
  const removed = changes[0]?.removed;
  return removed instanceof DirectoryNode ? (removed.child('leaf') as LeafNode) : null;
}

function stateOf(driver: Driver): State | null {
  const node = leafOf(driver);
  if (node === null) return null;
  const writer = new Writer();
  node.write(writer);
  return { content: hex(writer.finish()), told: [...contents(path, node, true)].map(said), version: node.version };
}

/** The changes of an entry, as they are, and as a watcher reads them from the bytes of their event. */
function changesOf(driver: Driver, op: number): readonly TreeChange[] {
  const record = [...driver.service.history.after(op - 1)].find((one): one is HistoryRecord => one.op === op);
  if (record === undefined) return [];
  const { changes } = decodeEvent(eventOf(record, record.changes, true));
  const plain = record.changes.map((change) => {
    const { removed: _, ...told } = change;
    return { ...told, value: changeValue(change) };
  });
  expect(changes).toEqual(plain);
  return record.changes;
}

describe.each(dataTypes)('a leaf of type %s', (type) => {
  const { writes, upserts, reads } = forms[type];
  const livesOf = (writing: readonly string[]): fc.Arbitrary<readonly [Uint8Array | null, readonly Operation[]]> => {
    const upserting = Object.keys(upserts).filter((kind) => writing.includes(kind));
    const write = fc.oneof(
      ...writing.map(drawn),
      ...upserting.map((kind) => drawn(kind).map((operation) => ({ kind: 'upsert', operation }) as Operation)),
    );
    return fc.tuple(firstValue, fc.array(write, { minLength: 1, maxLength: 30 }));
  };
  // A watch is told of what waits in a queue, and not of all that is done to jobs.
  const kinds = Object.keys(writes).filter((kind) => !(jobKinds as readonly string[]).includes(kind));

  it('is told to watches whole, when it is made, when it changes, and to those that begin later', () => {
    const contentOfTold = new Map<string, string>();
    const changedBy = new Set<string>();
    fc.assert(
      fc.property(livesOf(kinds), ([value, operations]) => {
        const driver = new Driver();
        const session = driver.register();
        let request = 0;
        const seen: string[] = [];
        const step = (operation: Operation, before: State | null): State | null => {
          const { answer } = driver.request(session, request++, operation);
          const changes = changesOf(driver, driver.op);
          seen.push(JSON.stringify(changes.map(said)));
          if (answer.kind !== 'result') {
            expect(changes).toEqual([]);
            return before;
          }
          const after = stateOf(driver)!;
          const mine = changes.filter((change) => change.path === path);
          // What is told of two leaves is the same only if they are the same.
          const told = JSON.stringify(after.told);
          // The items of a queue have numbers, of which a watch is not told.
          if (type !== 'queue') expect(contentOfTold.get(told) ?? after.content, `told as ${told}`).toBe(after.content);
          contentOfTold.set(told, after.content);
          if (before === null) {
            expect(mine[0]?.kind).toBe('created');
          } else if (before.version === after.version) {
            expect({ content: after.content, mine }).toEqual({ content: before.content, mine: [] });
            return after;
          }
          if (operation.kind !== 'create')
            changedBy.add(operation.kind === 'upsert' ? operation.operation.kind : operation.kind);
          expect(mine.at(-1)?.version, 'the version after the last change').toBe(after.version);
          if (leafRules[type].lastTellsAll) expect({ ...said(mine.at(-1)!), kind: 'created' }).toEqual(after.told[0]);
          return after;
        };
        let state = step({ kind: 'create', path, type, value }, null);
        for (const operation of operations) state = step(operation, state);
        // The history has packed what is old.
        const again = [...driver.service.history.after(0)].map(({ op, changes }) => [
          op,
          JSON.stringify(changes.map(said)),
        ]);
        const first = driver.op - seen.length + 1;
        expect(again).toEqual(seen.map((one, index) => [first + index, one]).filter(([, one]) => one !== '[]'));
      }),
      { numRuns: 300, seed: 11 },
    );
    // It has many states, and each of its writes makes some of them.
    expect(contentOfTold.size).toBeGreaterThan(20);
    expect([...changedBy].sort()).toEqual(kinds.toSorted());
  });

  it('comes back from a snapshot, and answers every read as before', () => {
    fc.assert(
      fc.property(
        livesOf(Object.keys(writes)),
        fc.tuple(...Object.keys(reads).map(drawn)),
        ([value, operations], asked) => {
          const driver = new Driver();
          const session = driver.register();
          for (const [request, operation] of [{ kind: 'create', path, type, value } as const, ...operations].entries())
            driver.request(session, request, operation);
          const pieces = snapshotOf(driver.service);
          const other = new Driver();
          other.service.restore(pieces);
          other.op = driver.op;
          expect(Buffer.concat(snapshotOf(other.service)).equals(Buffer.concat(pieces))).toBe(true);
          expect(stateOf(other)).toEqual(stateOf(driver));
          for (const read of asked) expect(other.read(read)).toEqual(driver.read(read));
        },
      ),
      { numRuns: 100, seed: 12 },
    );
  });
});
