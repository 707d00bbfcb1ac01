import { describe, expect, it } from 'vitest';
import { planOf } from '../../bench/arguments.ts';
import { floorsOf } from '../../bench/floors.ts';
import type { LoadResult } from '../../bench/load.ts';
import type { LockTimes } from '../../bench/locks.ts';
import { reportOf, table } from '../../bench/report.ts';
import { median, mediansOf } from '../../bench/results.ts';
import type { LoadPoint, Results } from '../../bench/results.ts';

function round(throughput: number, p50: number): LoadResult {
  return {
    requests: throughput,
    errors: 0,
    firstError: null,
    seconds: 1,
    throughput,
    latencyMs: { p50, p99: 2 * p50, max: 3 * p50 },
    serverMicros: 50,
    driverMicros: null,
  };
}

function point(
  target: 'haret' | 'etcd',
  workload: 'put' | 'get',
  outstanding: number,
  rounds: LoadResult[],
): LoadPoint {
  return { target, workload, outstanding, connections: 1, rounds, medians: mediansOf(rounds) };
}

function lockTimes(cycles: number): LockTimes {
  const times = { p50: 1.5, p99: 3, max: 9 };
  return { cycles, cycleMs: times, serverMicros: 70, handOverMs: times, handOverAloneMs: times };
}

const results: Results = {
  machine: {
    system: 'Linux',
    processor: 'a processor',
    cores: 2,
    memoryBytes: 2 ** 30,
    node: 'v20',
    dataInMemory: false,
    syncMs: 0.2,
    loadBefore: 1.5,
    date: '2026-01-01T00:00:00Z',
  },
  plan: planOf([])!,
  targets: [
    { name: 'haret', description: 'as it is' },
    { name: 'etcd', description: 'default settings' },
  ],
  leftOut: [{ name: 'zookeeper', reason: 'it is not installed' }],
  load: [
    point('haret', 'put', 256, [round(30_000, 8), round(10, 800), round(25_000, 9)]),
    point('etcd', 'put', 256, [round(10_000, 25)]),
    point('haret', 'put', 1, [round(900, 1.2)]),
    point('etcd', 'put', 1, [round(1000, 1)]),
  ],
  memory: [
    { target: 'haret', keys: 100_000, emptyBytes: [60e6, 60e6, 60e6], fullBytes: [200e6, 240e6, null], fillSeconds: 4 },
  ],
  restart: [{ target: 'haret', keys: 100_000, timesMs: [700, 900, 800] }],
  failover: [
    { target: 'haret', kind: 'kill', timesMs: [300, 1200] },
    { target: 'haret', kind: 'pause', timesMs: [1900] },
  ],
  client: [
    {
      workload: 'put',
      outstanding: 64,
      connections: 1,
      bare: mediansOf([round(10_000, 6)]),
      sdk: mediansOf([round(8000, 7)]),
    },
  ],
  locks: [
    { target: 'haret', clients: 64, waiters: 1000, ...lockTimes(9000) },
    { target: 'etcd', clients: 64, waiters: 1000, ...lockTimes(3000) },
    { target: 'zookeeper', clients: 64, waiters: 1000, ...lockTimes(6000) },
  ],
  watch: [{ target: 'haret', watchers: 1000, codec: 'binary', allToldMs: [18, 40, 17], halfToldMs: [9, 20, 8] }],
};

describe('the report', () => {
  it('shows medians, so that one disturbed round changes little', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([1, 2])).toBe(1.5);
    expect(results.load[0]!.medians).toMatchObject({
      throughput: 25_000,
      p50Ms: 9,
      serverMicros: 50,
      driverMicros: null,
    });
  });

  it('lines up its columns', () => {
    expect(
      table(
        ['name', 'n'],
        [
          ['a', '1'],
          ['bcdef', '1,000'],
        ],
        1,
      ),
    ).toBe(['name       n', '-----  -----', 'a          1', 'bcdef  1,000'].join('\n'));
  });

  it('has the ratios, the systems that were left out, and every measure', () => {
    const text = reportOf(results);
    expect(text).toContain('zookeeper: left out, it is not installed');
    expect(text).toContain('the machine was busy before the run (load 1.5): expect noise');
    expect(text).toMatch(/256 +1 +haret +25,000 +9\.00 +18\.0 +50 +- +2\.50x/);
    expect(text).toMatch(/haret kill +750 +300 +1,200 +2/);
    expect(text).toMatch(/haret binary +1000 +18\.0 +40\.0 +9\.00/);
    expect(text).toMatch(/haret +9,000 +1\.50 +3\.00 +70 +1\.50 +1\.50 +3\.00/);
    expect(text).toMatch(/locks by 64 clients: rate of etcd's +met +>= 2x +3\.00x/);
    expect(text).toMatch(/locks by 64 clients: rate of zookeeper's +MISSED +>= 2x +1\.50x/);
    expect(text).toMatch(/put +64 +10,000 +8,000 +0\.80x/);
    expect(text).toMatch(/haret +60 +60 +60 +200 +240 +- +4\.0/);
  });

  it('compares haret with its floors', () => {
    const met = Object.fromEntries(floorsOf(results).map((floor) => [floor.what, floor.met]));
    expect(met).toEqual({
      "put, 256 outstanding over 1: throughput of etcd's": true,
      "put, 1 outstanding: p50 not above etcd's": false,
      'resident memory of a node with 100000 keys': true,
      'restart to ready with 100000 keys': true,
      'next write after a kill of the primary, at worst': false,
      'next write after a pause of the primary, at worst': true,
      '1000 watches of one key told, binary': true,
      "locks by 64 clients: rate of etcd's": true,
      "locks by 64 clients: rate of zookeeper's": false,
      "the package, put, 64 outstanding: throughput of the bare client's": false,
    });
  });
});
