/** Lies: changes that make a good history bad. Each is told only where it contradicts something. */

import type { SeededRandom } from '../../core/base/random.ts';
import type { Row } from './record.ts';

export interface Lie {
  readonly name: string;
  /** The history with one answer or event changed. */
  tell(rows: readonly Row[], random: SeededRandom): readonly Row[];
}

interface Written {
  readonly at: number;
  readonly row: Row;
  readonly result: Row;
}

/** The positions of answers whose result has this field. */
function withResult(rows: readonly Row[], field: string, which: (value: unknown) => boolean): Written[] {
  return rows.flatMap((row, at) => {
    const result = row['result'] as Row | undefined;
    return row['type'] === 'answer' && result !== undefined && which(result[field]) ? [{ at, row, result }] : [];
  });
}

function replaced(rows: readonly Row[], at: number, row: Row | null): readonly Row[] {
  return [...rows.slice(0, at), ...(row === null ? [] : [row]), ...rows.slice(at + 1)];
}

function changed(
  name: string,
  field: string,
  which: (value: unknown) => boolean,
  to: (value: never) => unknown,
): [string, Lie, (rows: readonly Row[]) => boolean] {
  const lie: Lie = {
    name,
    tell: (rows, random) => {
      const { at, row, result } = random.pick(withResult(rows, field, which));
      return replaced(rows, at, { ...row, result: { ...result, [field]: to(result[field] as never) } });
    },
  };
  return [name, lie, (rows) => withResult(rows, field, which).length > 0];
}

function events(rows: readonly Row[]): number[] {
  return rows.flatMap(({ type, id }, at) => (type === 'event' && id === 'w1' ? [at] : []));
}

/** Answered writes after which another answer shows that the same path exists. */
function seenAgain(rows: readonly Row[]): number[] {
  const paths = new Map(rows.filter(({ type }) => type === 'call').map((row) => [row['id'], row['operation'] as Row]));
  const answered = rows.flatMap((row, at) => {
    const operation = paths.get(row['id']);
    const path = ((operation?.['operation'] as Row | undefined) ?? operation)?.['path'];
    return row['type'] === 'answer' && row['outcome'] === 'done' ? [{ at, row, operation, path }] : [];
  });
  return answered.flatMap(({ at, row, operation, path }) => {
    if (operation?.['kind'] !== 'counterAdd') return [];
    const others = answered.filter((one) => one.path === path);
    const next = others.find((one) => (one.row['op'] as number) > (row['op'] as number));
    return next?.operation?.['kind'] === 'counterAdd' || next?.operation?.['kind'] === 'counterGet' ? [at] : [];
  });
}

/** Pairs of answered writes. The second was asked after the first was answered. */
function inTurn(rows: readonly Row[]): (readonly [number, number])[] {
  const askedAt = new Map(rows.filter(({ type }) => type === 'call').map((row) => [row['id'], row]));
  const writes = rows.flatMap((row, at) => {
    const operation = askedAt.get(row['id'])?.['operation'] as Row | undefined;
    const kind = String(operation?.['kind']);
    return row['type'] === 'answer' && row['outcome'] === 'done' && /upsert|Put|Push|Add/.test(kind) ? [at] : [];
  });
  return writes.flatMap((one) =>
    writes
      .filter((other) => (rows[one]!['at'] as number) < (askedAt.get(rows[other]!['id'])!['at'] as number))
      .map((other) => [one, other] as const),
  );
}

const all: readonly (readonly [string, Lie, (rows: readonly Row[]) => boolean])[] = [
  changed(
    'a version too high',
    'version',
    (value) => typeof value === 'number',
    // One more may be right, when calls overlap. No history has so many writes as this.
    (value: number) => value + 1_000_000,
  ),
  changed(
    'a value that was never written',
    'value',
    (value) => typeof value === 'string',
    () => 'never',
  ),
  changed(
    'a number that is off by one',
    'number',
    (value) => typeof value === 'number',
    (value: number) => value + 1,
  ),
  changed(
    'a truth turned round',
    'truth',
    (value) => typeof value === 'boolean',
    (value: boolean) => !value,
  ),
  lie('a write that happened is called definite', seenAgain, (rows, at) =>
    replaced(rows, at, {
      type: 'answer',
      id: rows[at]!['id'],
      at: rows[at]!['at'],
      outcome: 'definite',
      error: 'Overloaded',
    }),
  ),
  lie('the ops of two writes are swapped', inTurn, (rows, [one, other]) => {
    const swapped = replaced(rows, one, { ...rows[one], op: rows[other]!['op'] });
    return replaced(swapped, other, { ...rows[other], op: rows[one]!['op'] });
  }),
  lie('an event is left out', answeredEvents, (rows, at) => replaced(rows, at, null)),
  lie('a creation is left out', creations, (rows, [at, path]) => {
    const changes = changesAt(rows, at).filter((change) => change['kind'] !== 'created' || change['path'] !== path);
    return replaced(rows, at, changes.length === 0 ? null : { ...rows[at], changes });
  }),
  lie('a value is left out', valued, (rows, [at, index]) => {
    const { value: _, number: __, ...bare } = changesAt(rows, at)[index]!;
    return replaced(rows, at, { ...rows[at], changes: changesAt(rows, at).with(index, bare) });
  }),
  lie('an event is told twice', events, (rows, at) => [...rows.slice(0, at), rows[at]!, ...rows.slice(at)]),
  lie('an event of another path', answeredEvents, (rows, at) => {
    const changes = (rows[at]!['changes'] as readonly Row[]).map((change) => ({ ...change, path: '/d/elsewhere' }));
    return replaced(rows, at, { ...rows[at], changes });
  }),
  lie('an event that nobody wrote', events, (rows, at) => {
    const row = {
      ...rows[at],
      op: (rows[at]!['op'] as number) + 0.5,
      changes: [{ path: '/d/p1', kind: 'put', type: 'blob' }],
    };
    return [...rows.slice(0, at + 1), row, ...rows.slice(at + 1)];
  }),
];

/** Events of writes whose answers say what they changed. */
function answeredEvents(rows: readonly Row[]): number[] {
  const ops = new Set(
    rows.filter(({ type, outcome }) => type === 'answer' && outcome === 'done').map((row) => row['op']),
  );
  return events(rows).filter((at) => ops.has(rows[at]!['op']));
}

function changesAt(rows: readonly Row[], at: number): readonly Row[] {
  return rows[at]!['changes'] as readonly Row[];
}

/** Events in which a leaf was made, and its path. */
function creations(rows: readonly Row[]): (readonly [number, string])[] {
  return answeredEvents(rows).flatMap((at) =>
    changesAt(rows, at).flatMap(({ kind, type, path }) =>
      kind === 'created' && type !== 'directory' ? [[at, path as string] as const] : [],
    ),
  );
}

/** Changes that were told with a value or a number, which the answer of their write says too. */
function valued(rows: readonly Row[]): (readonly [number, number])[] {
  return answeredEvents(rows).flatMap((at) =>
    changesAt(rows, at).flatMap(({ kind, value, number }, index) =>
      kind !== 'created' && (value ?? number) !== undefined ? [[at, index] as const] : [],
    ),
  );
}

function lie<T>(
  name: string,
  places: (rows: readonly Row[]) => readonly T[],
  told: (rows: readonly Row[], place: T) => readonly Row[],
): [string, Lie, (rows: readonly Row[]) => boolean] {
  return [
    name,
    { name, tell: (rows, random) => told(rows, random.pick(places(rows))) },
    (rows) => places(rows).length > 0,
  ];
}

/** The lies that fit this history. */
export function liesOf(rows: readonly Row[]): readonly Lie[] {
  return all.filter(([, , possible]) => possible(rows)).map(([, one]) => one);
}
