/**
 * The answers of operations on the jobs of a queue (coordination §11), and how they stand in the table that carries them.
 * It is a table, because a page that has no work queue should not load the form of each.
 */

import { invariant } from '../base/assert.ts';
import { textOf, utf8 } from '../base/bytes.ts';
import type { Op, SessionId } from '../base/ids.ts';
import { itemStates } from './names.ts';
import type { ItemState } from './names.ts';
import type { SimpleResult } from './result.ts';

/** An item that a take was given at once. */
export interface TookItem {
  readonly id: number;
  readonly attempts: number;
  readonly value: Uint8Array;
}

/** An item of a queue that does not wait, as it is shown. */
export interface KnownItem {
  /** Its number in its queue. */
  readonly id: number;
  /** Higher ones come first. */
  readonly priority: number;
  /** How often it was taken. */
  readonly attempts: number;
  readonly value: Uint8Array;
  /** Whose job it is, or 0. */
  readonly session: SessionId;
  /** The name of that session's client, for people. Empty when the session has ended. */
  readonly client: string;
  /** The op of the entry that gave it, or 0. */
  readonly receipt: Op;
  /** The replicated time at which it was taken, or died; 0 for a delayed item. */
  readonly since: number;
  /** The replicated time at which a job is taken back, or a delayed item waits; 0 for a dead item. */
  readonly until: number;
  /** How far the job is, or why the item is dead. */
  readonly note: string;
}

export type JobResult =
  /** The number of an item that was put into a queue. `duplicate`: it was put before, under the same id. */
  | { readonly kind: 'put'; readonly item: number; readonly duplicate: boolean; readonly version: number }
  /**
   * What a take got: items with a receipt; or receipt 0 and no items. Then it waits behind `ahead` others, unless
   * `claim` is 0. `until` is the replicated time at which the items are taken back. `clock` and `changed` are those of
   * `claimed`.
   */
  | {
      readonly kind: 'took';
      readonly claim: Op;
      readonly receipt: Op;
      readonly ahead: number;
      readonly clock: number;
      readonly changed: Op;
      readonly until: number;
      readonly items: readonly TookItem[];
    }
  /** A job, with the replicated time at which it is taken back. */
  | { readonly kind: 'job'; readonly until: number; readonly clock: number; readonly changed: Op }
  | {
      readonly kind: 'items';
      readonly state: ItemState;
      readonly items: readonly KnownItem[];
      readonly more: boolean;
      readonly version: number;
    }
  | {
      readonly kind: 'queueInfo';
      readonly waiting: number;
      readonly delayed: number;
      readonly taken: number;
      readonly dead: number;
      /** Takes that wait for items. */
      readonly takers: number;
      /** Dead items that were dropped because there were too many. */
      readonly dropped: number;
      readonly maxAttempts: number;
      readonly maxDead: number;
      readonly version: number;
    };

type Table = Extract<SimpleResult, { readonly kind: 'table' }>;

function table(numbers: readonly number[], values: readonly Uint8Array[] = [], more = false): Table {
  return { kind: 'table', numbers, values, more };
}

/** Numbers of one item that was taken, and of one that is shown. */
const tookColumns = 2;
const shownColumns = 7;
/** Values of one that is shown. */
const shownValues = 3;
/** Numbers before those of the items. */
const tookHead = 7;
const shownHead = 3;

export function tableOf(result: JobResult): Table {
  switch (result.kind) {
    case 'put':
      return table([1, result.item, result.duplicate ? 1 : 0, result.version]);
    case 'took': {
      const { claim, receipt, ahead, clock, changed, until, items } = result;
      const numbers = [2, claim, receipt, ahead, clock, changed, until];
      for (const { id, attempts } of items) numbers.push(id, attempts);
      return table(
        numbers,
        items.map(({ value }) => value),
      );
    }
    case 'job':
      return table([3, result.until, result.clock, result.changed]);
    case 'items': {
      const numbers = [4, itemStates.indexOf(result.state), result.version];
      for (const { id, priority, attempts, session, receipt, since, until } of result.items)
        numbers.push(id, priority, attempts, session, receipt, since, until);
      const values = result.items.flatMap(({ value, client, note }) => [value, utf8(client), utf8(note)]);
      return table(numbers, values, result.more);
    }
    case 'queueInfo': {
      const { waiting, delayed, taken, dead, takers, dropped, maxAttempts, maxDead, version } = result;
      return table([5, waiting, delayed, taken, dead, takers, dropped, maxAttempts, maxDead, version]);
    }
  }
}

const noBytes = new Uint8Array();

export function jobResultOf({ numbers, values, more }: Table): JobResult {
  const [kind, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = numbers;
  switch (kind) {
    case 1:
      return { kind: 'put', item: a, duplicate: b === 1, version: c };
    case 2: {
      const items = values.map((value, index) => {
        const [id = 0, attempts = 0] = numbers.slice(tookHead + index * tookColumns);
        return { id, attempts, value };
      });
      return { kind: 'took', claim: a, receipt: b, ahead: c, clock: d, changed: e, until: f, items };
    }
    case 3:
      return { kind: 'job', until: a, clock: b, changed: c };
    case 4: {
      const items: KnownItem[] = [];
      for (let at = 0; at * shownValues < values.length; at++) {
        const [id = 0, priority = 0, attempts = 0, session = 0, receipt = 0, since = 0, until = 0] = numbers.slice(
          shownHead + at * shownColumns,
        );
        const [value = noBytes, client = noBytes, note = noBytes] = values.slice(at * shownValues);
        const texts = { client: textOf(client) ?? '', note: textOf(note) ?? '' };
        items.push({ id, priority, attempts, session, receipt, since, until, value, ...texts });
      }
      return { kind: 'items', state: itemStates[a] ?? 'taken', items, more, version: b };
    }
    default:
      invariant(kind === 5, 'a table of jobs is of a known kind', { kind: kind ?? 0 });
      return {
        kind: 'queueInfo',
        waiting: a,
        delayed: b,
        taken: c,
        dead: d,
        takers: e,
        dropped: f,
        maxAttempts: g,
        maxDead: h,
        version: i,
      };
  }
}
