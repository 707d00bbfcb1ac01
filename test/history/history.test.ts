/** The checker of histories, tried with histories that are known to be good, and with each kind of lie. */

import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../core/base/random.ts';
import { checkHistory } from './check.ts';
import { HistoryBuilder, HistoryError, parseHistory } from './format.ts';
import { liesOf } from './lies.ts';
import { makeHistory } from './made.ts';
import type { Row } from './record.ts';

function verdictOn(rows: readonly Row[]): ReturnType<typeof checkHistory> {
  const builder = new HistoryBuilder();
  // It is as read from a file, so that objects are not shared in memory.
  for (const [index, row] of rows.entries()) builder.add(JSON.parse(JSON.stringify(row)), index + 1);
  return checkHistory(builder.history);
}

function textOf(rows: readonly Row[]): string {
  return rows.map((row) => JSON.stringify(row)).join('\n');
}

const call = (id: number, client: string, at: number, operation: object): Row => ({
  type: 'call',
  id,
  client,
  at,
  operation,
});
const done = (id: number, at: number, op: number, result: object): Row => ({
  type: 'answer',
  id,
  at,
  outcome: 'done',
  op,
  result,
});
const put = (value: string): object => ({ kind: 'blobPut', path: '/a', value });
const made = [
  call(1, 'a', 0, { kind: 'create', path: '/a', type: 'blob', value: 'one' }),
  done(1, 1, 1, { version: 0 }),
];
const get = { kind: 'blobGet', path: '/a' };

/** A thousand histories take some ten seconds of an idle processor. */
const patienceMs = 300_000;

describe('the checker of histories', { timeout: patienceMs }, () => {
  it('finds nothing in a thousand good histories, in which answers are lost, and calls happen late', () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const rows = makeHistory({
        seed,
        calls: 60,
        clients: 4,
        unknownPercent: [0, 5, 20][seed % 3]!,
        lists: seed % 2 === 0,
      });
      const { anomalies, undecided } = verdictOn(rows);
      expect({ seed, anomalies, undecided }).toEqual({ seed, anomalies: [], undecided: [] });
    }
  });

  it('finds the lie in each of a thousand histories with one', () => {
    const found = new Map<string, number>();
    for (let seed = 1; seed <= 1000; seed++) {
      const rows = makeHistory({ seed, calls: 60, clients: 4, lists: seed % 2 === 0 });
      const random = new SeededRandom(seed, 0x11e);
      const lie = random.pick(liesOf(rows));
      const { anomalies } = verdictOn(lie.tell(rows, random));
      expect({ seed, lie: lie.name, found: anomalies.length > 0 }).toEqual({ seed, lie: lie.name, found: true });
      found.set(lie.name, (found.get(lie.name) ?? 0) + 1);
    }
    expect([...found.values()].every((times) => times > 20)).toBe(true);
  });

  it('checks ten thousand calls of ten clients', () => {
    const rows = makeHistory({ seed: 7, calls: 10_000, clients: 10, unknownPercent: 1, paths: 24, lists: false });
    const { calls, anomalies, undecided } = verdictOn(rows);
    expect({ calls, anomalies, undecided }).toEqual({ calls: 10_000, anomalies: [], undecided: [] });
  });

  it('lets a call of unknown outcome have happened, or not, at any time after it was asked', () => {
    const lost = call(2, 'a', 2, put('two'));
    const seen = (value: string, version: number, at: number, id: number): Row[] => [
      call(id, 'b', at, get),
      done(id, at + 1, 1, { value, version }),
    ];
    expect(verdictOn([...made, lost, ...seen('one', 0, 3, 3)]).anomalies).toEqual([]);
    expect(verdictOn([...made, lost, ...seen('two', 1, 3, 3)]).anomalies).toEqual([]);
    expect(verdictOn([...made, lost, ...seen('one', 0, 3, 3), ...seen('two', 1, 9, 4)]).anomalies).toEqual([]);
    // It happens once, and its effect stays.
    expect(verdictOn([...made, lost, ...seen('two', 1, 3, 3), ...seen('one', 0, 9, 4)]).anomalies).toHaveLength(1);
    expect(verdictOn([...made, lost, ...seen('two', 2, 3, 3)]).anomalies).toHaveLength(1);
  });

  it('tells the answers that contradict each other, and no others', () => {
    const noise = Array.from({ length: 40 }, (_, i) => [
      call(100 + i, 'n', 10 + i, get),
      done(100 + i, 10.5 + i, 2, { value: 'two' }),
    ]);
    const rows = [
      ...made,
      call(2, 'a', 2, put('two')),
      done(2, 3, 2, { version: 1 }),
      ...noise.flat(),
      call(3, 'b', 60, get),
      done(3, 61, 2, { value: 'one', version: 0 }),
    ];
    const { anomalies } = verdictOn(rows);
    expect(anomalies.map(({ what }) => what)).toEqual(['no order of the calls at /a bears out these 2 answers']);
    const [{ lines }] = anomalies as [(typeof anomalies)[number]];
    expect(lines.map(({ says }) => says).join('\n')).toContain(
      'b asked at 60 for blobGet /a: {"value":"one","version":0}, at 61',
    );
    expect(lines.at(-1)!.says).toBe(
      'here the tree would have answered {"kind":"value","value":"two","version":1} to blobGet /a',
    );
  });

  it('names the line that is not a record', () => {
    const wrong = (text: string): string => {
      try {
        parseHistory(text);
      } catch (error) {
        expect(error).toBeInstanceOf(HistoryError);
        return (error as Error).message;
      }
      return 'nothing';
    };
    expect(wrong(`${textOf(made)}\n{"type":`)).toMatch(/^line 3: this is no JSON: /);
    expect(wrong(textOf([made[1]!]))).toBe('line 1: call 1 was answered and never made');
    expect(wrong(textOf([...made, made[0]!]))).toBe('line 3: call 1 was written down before');
    expect(wrong('{"type":"answers"}')).toBe('line 1: a record of type "answers" is not known');
    expect(wrong(textOf([call(1, 'a', -1, get)]))).toBe('line 1: at is a number of 0 or more, not -1');
    const odd = textOf([call(1, 'a', 1, { kind: 'blobAppend', path: '/a' }), done(1, 2, 1, {})]);
    expect(() => checkHistory(parseHistory(odd))).toThrow('line 1: the model of the tree does not know blobAppend');
  });
});
