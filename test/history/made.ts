/**
 * Histories that are known to be good: many clients of one tree. Each call happens at one moment between its call and
 * its answer.
 */

import { utf8 } from '../../core/base/bytes.ts';
import { defaultLimits } from '../../core/base/limits.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { changeValue, concerns } from '../../core/tree/change.ts';
import type { TreeChange } from '../../core/tree/change.ts';
import { dataTypes } from '../tree/data.ts';
import type { DataType } from '../tree/data.ts';
import type { Operation, SimpleOperation, Upsertable } from '../../core/tree/operation.ts';
import { together } from '../../core/tree/operations/index.ts';
import { isRead } from '../../core/tree/reading.ts';
import { Tree, treeLimitsOf } from '../../core/tree/tree.ts';
import { answerRow, callRow, changeRows } from './record.ts';
import type { Row } from './record.ts';

export interface Making {
  readonly seed: number;
  readonly calls: number;
  readonly clients: number;
  /** This many of a hundred calls are never answered. Half of these are executed, some of them much later. */
  readonly unknownPercent?: number;
  /** How many paths clients write, beside a directory that they sometimes list. */
  readonly paths?: number;
  readonly lists?: boolean;
}

interface Pending {
  readonly id: string;
  readonly client: string;
  readonly operation: Operation;
  readonly at: number;
}

export function makeHistory({ seed, calls, clients, unknownPercent = 0, paths = 8, lists = true }: Making): Row[] {
  const random = new SeededRandom(seed, 0x417);
  const rows: { readonly at: number; readonly row: Row }[] = [];
  const moments: { readonly at: number; readonly run: () => void }[] = [];
  const later = (at: number, run: () => void): void => void moments.push({ at, run });
  let tree = Tree.empty(treeLimitsOf(defaultLimits));
  let op = 0;
  let made = 0;
  const watched = [
    { id: 'w1', path: '/', subtree: true },
    { id: 'w2', path: '/d', subtree: true },
    { id: 'w3', path: '/d/p1', subtree: false },
  ];
  for (const watch of watched) {
    rows.push({ at: 0, row: { type: 'watch', ...watch, values: true } });
    rows.push({ at: 0, row: { type: 'begun', id: watch.id, at: 0, op: 0 } });
  }

  const tell = (at: number, changes: readonly TreeChange[]): void => {
    for (const { id, path, subtree } of watched) {
      const told = changes.filter((change) => concerns(change, path, subtree));
      if (told.length === 0) continue;
      const plain = told.map((change) => ({ ...change, value: changeValue(change) }));
      rows.push({ at: at + 0.5, row: { type: 'event', id, at: at + 0.5, op, changes: changeRows(plain) } });
    }
  };

  const happen = ({ id, at: calledAt, operation }: Pending, at: number, answeredAt: number | null): void => {
    later(at, () => {
      if (isRead(operation)) {
        const read = tree.read(operation);
        if (answeredAt !== null) rows.push({ at: answeredAt, row: answerRow(id, answeredAt, op, read) });
        return;
      }
      op++;
      const applied = tree.apply(operation, op);
      ({ tree } = applied);
      tell(at, applied.changes);
      if (answeredAt !== null) rows.push({ at: answeredAt, row: answerRow(id, answeredAt, op, applied.result) });
      else if (random.chance(1, 2))
        rows.push({
          at: calledAt + 3,
          row: { type: 'answer', id, at: calledAt + 3, outcome: 'unknown', error: 'Timeout' },
        });
    });
  };

  const ask = (client: string, at: number): void => {
    later(at, () => {
      if (made >= calls) return;
      const id = String(++made);
      const pending = { id, client, operation: drawn(random, id, paths, lists), at };
      rows.push({ at, row: callRow(id, client, at, pending.operation) });
      const happensAt = at + 1 + random.below(20);
      const unknown = random.chance(unknownPercent, 100);
      const answeredAt = unknown ? null : happensAt + 1 + random.below(20);
      if (!unknown) happen(pending, happensAt, answeredAt);
      else if (random.chance(1, 2))
        happen(pending, random.chance(1, 4) ? happensAt + random.below(400) : happensAt, null);
      // A client does not wait for a call that is never answered.
      ask(client, (answeredAt ?? at + 40) + 1 + random.below(10));
    });
  };
  for (let i = 0; i < clients; i++) ask(`c${i + 1}`, 1 + i);
  while (moments.length > 0) {
    moments.sort((a, b) => b.at - a.at);
    moments.pop()!.run();
  }
  const endsAt = Math.max(...rows.map(({ at }) => at)) + 1;
  for (const { id } of watched) rows.push({ at: endsAt, row: { type: 'progress', id, at: endsAt, op } });
  return rows.sort((a, b) => a.at - b.at).map(({ row }) => row);
}

function drawn(random: SeededRandom, id: string, paths: number, lists: boolean): Operation {
  const number = 1 + random.below(paths);
  const path = `/d/p${number}`;
  const type = dataTypes[number % dataTypes.length]!;
  const value = utf8(`v${id}`);
  if (lists && random.chance(1, 60)) return { kind: 'keys', path: '/d', limit: 1000, after: null };
  if (lists && random.chance(1, 60)) {
    const guards = [{ kind: 'exists', path } as const];
    const then = [written(random, type, path, value), written(random, 'counter', '/d/p3', value)];
    return { kind: 'transaction', guards, then, otherwise: [{ kind: 'create', path, type, value: null }] };
  }
  if (random.chance(1, 20)) return { kind: 'delete', path, recursive: false, ifVersion: null };
  if (random.chance(1, 10)) return { kind: 'create', path, type, value: null };
  if (random.chance(1, 20)) return random.chance(1, 2) ? { kind: 'exists', path } : { kind: 'stat', path };
  if (random.chance(1, 3)) return read(random, type, path, value);
  const write = written(random, type, path, value);
  return isUpsertable(write) && random.chance(1, 2) && !(write.kind === 'blobPut' && write.ifAbsent)
    ? { kind: 'upsert', operation: write }
    : write;
}

const upsertable = together('upserts');

function isUpsertable(operation: SimpleOperation): operation is Upsertable {
  return Object.hasOwn(upsertable, operation.kind);
}

function written(random: SeededRandom, type: DataType, path: string, value: Uint8Array): SimpleOperation {
  const member = utf8(`m${random.below(6)}`);
  switch (type) {
    case 'blob':
      return { kind: 'blobPut', path, value, ifVersion: null, ifAbsent: random.chance(1, 8) };
    case 'queue':
      return random.chance(1, 2) ? { kind: 'queuePush', path, value } : { kind: 'queuePop', path };
    case 'set':
      return { kind: random.chance(1, 2) ? 'setInsert' : 'setRemove', path, member };
    case 'counter':
      return { kind: 'counterAdd', path, by: 1 + random.below(5) };
  }
}

function read(random: SeededRandom, type: DataType, path: string, value: Uint8Array): SimpleOperation {
  switch (type) {
    case 'blob':
      return { kind: random.chance(1, 2) ? 'blobGet' : 'blobSize', path };
    case 'queue':
      return { kind: random.pick(['queueFront', 'queueBack', 'queueLength'] as const), path };
    case 'set':
      return random.chance(1, 2)
        ? { kind: 'setContains', path, member: value }
        : { kind: 'setMembers', path, limit: 1000, after: null };
    case 'counter':
      return { kind: 'counterGet', path };
  }
}
