/** What haret must reach at least: ratios within one run, or its own time and memory. */

import type { TargetName } from './arguments.ts';
import type { Workload } from './load.ts';
import { largest, median } from './results.ts';
import type { LoadPoint, Results } from './results.ts';

export interface Floor {
  readonly what: string;
  readonly wanted: string;
  readonly reached: string;
  readonly met: boolean;
}

const putRatio = 2;
const readRatio = 3;
const lockRatio = 2;
const busyOutstanding = 256;
const residentMegabytes = 250;
const restartMs = 1500;
const failoverMs = { kill: 1000, pause: 2500 } as const;
const floorKeys = 100_000;
const fanOutMs = 20;
const clientShare = 0.85;
const floorWatchers = 1000;

/** The floors that this run measured. */
export function floorsOf(results: Results): Floor[] {
  const floors: Floor[] = [];
  for (const [workload, ratio] of [
    ['put', putRatio],
    ['get', readRatio],
  ] as const) {
    for (const haret of pointsOf(results, 'haret', workload, busyOutstanding)) {
      const etcd = twin(results, haret, 'etcd');
      if (etcd === null) continue;
      const reached = haret.medians.throughput / etcd.medians.throughput;
      const what = `${workload}, ${haret.outstanding} outstanding over ${haret.connections}: throughput of etcd's`;
      floors.push({ what, wanted: `>= ${ratio}x`, reached: `${reached.toFixed(2)}x`, met: reached >= ratio });
    }
  }
  for (const haret of pointsOf(results, 'haret', 'put', 1)) {
    const etcd = twin(results, haret, 'etcd');
    if (etcd === null) continue;
    const wanted = etcd.medians.p50Ms;
    const reached = haret.medians.p50Ms;
    floors.push({
      what: "put, 1 outstanding: p50 not above etcd's",
      wanted: `<= ${wanted.toFixed(2)} ms`,
      reached: `${reached.toFixed(2)} ms`,
      met: reached <= wanted,
    });
  }
  const atMost = (what: string, reached: number | null, limit: number, unit: string): void => {
    if (reached === null) return;
    const met = reached <= limit;
    floors.push({ what, wanted: `<= ${limit} ${unit}`, reached: `${Math.round(reached)} ${unit}`, met });
  };
  for (const one of results.memory) {
    const bytes = largest(one.fullBytes);
    if (one.target !== 'haret' || one.keys !== floorKeys || bytes === null) continue;
    atMost(`resident memory of a node with ${one.keys} keys`, bytes / 1e6, residentMegabytes, 'MB');
  }
  for (const one of results.restart) {
    if (one.target !== 'haret' || one.keys !== floorKeys) continue;
    atMost(`restart to ready with ${one.keys} keys`, median(one.timesMs), restartMs, 'ms');
  }
  for (const one of results.failover) {
    if (one.target !== 'haret') continue;
    atMost(
      `next write after a ${one.kind} of the primary, at worst`,
      Math.max(...one.timesMs),
      failoverMs[one.kind],
      'ms',
    );
  }
  for (const one of results.watch) {
    if (one.target !== 'haret' || one.watchers !== floorWatchers) continue;
    atMost(`${one.watchers} watches of one key told, ${one.codec}`, median(one.allToldMs), fanOutMs, 'ms');
  }
  const [locks] = results.locks.filter(({ target }) => target === 'haret');
  for (const other of results.locks) {
    if (locks === undefined || other === locks) continue;
    const reached = locks.cycles / other.cycles;
    const what = `locks by ${locks.clients} clients: rate of ${other.target}'s`;
    floors.push({ what, wanted: `>= ${lockRatio}x`, reached: `${reached.toFixed(2)}x`, met: reached >= lockRatio });
  }
  for (const one of results.client) {
    const reached = one.sdk.throughput / one.bare.throughput;
    const what = `the package, ${one.workload}, ${one.outstanding} outstanding: throughput of the bare client's`;
    floors.push({ what, wanted: `>= ${clientShare}x`, reached: `${reached.toFixed(2)}x`, met: reached >= clientShare });
  }
  return floors;
}

function pointsOf(results: Results, target: TargetName, workload: Workload, outstanding: number): LoadPoint[] {
  return results.load.filter(
    (point) => point.target === target && point.workload === workload && point.outstanding === outstanding,
  );
}

/** The same point of another system. */
export function twin(results: Results, point: LoadPoint, target: TargetName): LoadPoint | null {
  return (
    pointsOf(results, target, point.workload, point.outstanding).find(
      (other) => other.connections === point.connections,
    ) ?? null
  );
}
