/** The results as tables of text. */

import { floorsOf, twin } from './floors.ts';
import { median } from './results.ts';
import type { LoadPoint, Results } from './results.ts';

/** Columns are as wide as they need to be. The first `textColumns` are flush left; numbers are flush right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], textColumns: number): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column < textColumns ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

const unknown = '-';

function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

function time(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : ms.toFixed(1);
}

function orUnknown(value: number | null, shown: (value: number) => string): string {
  return value === null ? unknown : shown(value);
}

const micros = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);

function loadTable(results: Results, workload: string): string {
  const points = results.load.filter((point) => point.workload === workload);
  const rivals = results.targets.map((target) => target.name).filter((name) => name !== 'haret');
  const withHaret = results.targets.some((target) => target.name === 'haret');
  const ratios = withHaret ? rivals.map((name) => `haret/${name}`) : [];
  const head = ['outstanding', 'conns', 'target', 'per s', 'p50 ms', 'p99 ms', 'nodes us', 'driver us', ...ratios];
  const ratio = (point: LoadPoint, rival: (typeof rivals)[number]): string => {
    const other = twin(results, point, rival);
    return other === null ? unknown : `${(point.medians.throughput / other.medians.throughput).toFixed(2)}x`;
  };
  const rows = points.map((point) => {
    const { throughput, p50Ms, p99Ms, serverMicros, driverMicros, errors } = point.medians;
    return [
      String(point.outstanding),
      String(point.connections),
      point.target + (errors === 0 ? '' : ` (${errors} errors)`),
      count(throughput),
      time(p50Ms),
      time(p99Ms),
      orUnknown(serverMicros, micros),
      orUnknown(driverMicros, micros),
      ...(withHaret ? rivals.map((rival) => (point.target === 'haret' ? ratio(point, rival) : '')) : []),
    ];
  });
  return `${workload}: medians of ${results.plan.rounds} rounds; processor time a request in microseconds\n${table(head, rows, 3)}`;
}

function timesRow(name: string, timesMs: readonly number[]): string[] {
  return [
    name,
    count(median(timesMs)),
    count(Math.min(...timesMs)),
    count(Math.max(...timesMs)),
    String(timesMs.length),
  ];
}

const timesHead = ['median ms', 'least', 'most', 'times'] as const;

export function reportOf(results: Results): string {
  const { machine, plan } = results;
  const facts = [
    `${machine.system}, ${machine.cores} x ${machine.processor}, ${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`,
    `a 4 KiB write with its sync: ${machine.syncMs.toFixed(2)} ms${machine.dataInMemory ? ' (the data directory is in memory: syncs cost nothing here)' : ''}`,
    ...(machine.loadBefore > machine.cores / 2
      ? [`the machine was busy before the run (load ${machine.loadBefore.toFixed(1)}): expect noise`]
      : []),
    `values of ${plan.valueBytes} bytes, ${plan.keys} keys, connections to ${plan.placement === 'primary' ? 'the node of the primary' : 'all nodes in turn'}`,
    ...results.targets.map((target) => `${target.name}: ${target.description}`),
    ...results.leftOut.map((one) => `${one.name}: left out, ${one.reason}`),
  ];
  const parts = [facts.join('\n')];
  for (const workload of new Set(results.load.map((point) => point.workload))) {
    parts.push(loadTable(results, workload));
  }
  if (results.memory.length > 0) {
    const rows = results.memory.map((one) => [
      one.target,
      ...[...one.emptyBytes, ...one.fullBytes].map((bytes) => orUnknown(bytes, megabytes)),
      one.fillSeconds.toFixed(1),
    ]);
    const head = ['target', 'empty 1', '2', '3', 'full 1', '2', '3', 'fill s'];
    parts.push(`resident memory by node in MB, empty and with ${plan.manyKeys} keys\n${table(head, rows, 1)}`);
  }
  if (results.restart.length > 0) {
    const rows = results.restart.map((one) => timesRow(one.target, one.timesMs));
    parts.push(
      `restart of a killed node to ready with ${plan.manyKeys} keys\n${table(['target', ...timesHead], rows, 1)}`,
    );
  }
  if (results.failover.length > 0) {
    const rows = results.failover.map((one) => timesRow(`${one.target} ${one.kind}`, one.timesMs));
    const title = 'failover: from the signal to the primary until the next write succeeds (kill -9; pause is SIGSTOP)';
    parts.push(`${title}\n${table(['target', ...timesHead], rows, 1)}`);
  }
  if (results.watch.length > 0) {
    const rows = results.watch.map((one) => [
      `${one.target} ${one.codec}`,
      String(one.watchers),
      time(median(one.allToldMs)),
      time(Math.max(...one.allToldMs)),
      time(median(one.halfToldMs)),
    ]);
    const title = 'watches of one key, a connection each: from asking for a write until all were told';
    parts.push(`${title}\n${table(['target', 'watchers', 'median ms', 'most', 'half told'], rows, 1)}`);
  }
  if (results.locks.length > 0) {
    const rows = results.locks.map((one) => [
      one.target,
      count(one.cycles),
      time(one.cycleMs.p50),
      time(one.cycleMs.p99),
      orUnknown(one.serverMicros, micros),
      time(one.handOverAloneMs.p50),
      time(one.handOverMs.p50),
      time(one.handOverMs.p99),
    ]);
    const [{ clients, waiters }] = results.locks as [(typeof results.locks)[0]];
    const head = ['target', 'per s', 'p50 ms', 'p99', 'server us', '1 waits: p50', 'all: p50', 'p99'];
    const title = `locks: ${clients} clients take and release one each; and from a release to the next grant, while 1 and ${waiters} wait`;
    parts.push(`${title}\n${table(head, rows, 1)}`);
  }
  if (results.client.length > 0) {
    const rows = results.client.map(({ workload, outstanding, bare, sdk }) => [
      workload,
      String(outstanding),
      count(bare.throughput),
      count(sdk.throughput),
      `${(sdk.throughput / bare.throughput).toFixed(2)}x`,
      orUnknown(bare.driverMicros, micros),
      orUnknown(sdk.driverMicros, micros),
    ]);
    const head = ['', 'outstanding', 'bare per s', 'package per s', 'package/bare', 'bare us', 'package us'];
    const title =
      "the package's client and the bare one, over one connection; processor time a request in microseconds";
    parts.push(`${title}\n${table(head, rows, 1)}`);
  }
  const floors = floorsOf(results);
  if (floors.length > 0) {
    const rows = floors.map((floor) => [floor.what, floor.met ? 'met' : 'MISSED', floor.wanted, floor.reached]);
    parts.push(`floors\n${table(['what', '', 'wanted', 'reached'], rows, 2)}`);
  }
  return `${parts.join('\n\n')}\n`;
}
