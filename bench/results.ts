/** What a run gives: every round as it was measured, and the medians that the table shows. */

import type { LoadCase, Plan, TargetName } from './arguments.ts';
import type { LoadResult, Workload } from './load.ts';
import type { LockTimes } from './locks.ts';
import type { MachineFacts } from './machine.ts';
import type { WatchCodec } from './watch-fan-out.ts';

export interface LoadMedians {
  readonly throughput: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverMicros: number | null;
  readonly driverMicros: number | null;
  readonly errors: number;
}

export interface LoadPoint extends LoadCase {
  readonly target: TargetName;
  readonly rounds: readonly LoadResult[];
  readonly medians: LoadMedians;
}

export interface MemoryResult {
  readonly target: TargetName;
  readonly keys: number;
  /** Resident bytes of each node just after its start, and with the keys. */
  readonly emptyBytes: readonly (number | null)[];
  readonly fullBytes: readonly (number | null)[];
  readonly fillSeconds: number;
}

export interface RestartResult {
  readonly target: TargetName;
  readonly keys: number;
  /** From the start of a killed node until it is ready and answers a local get. */
  readonly timesMs: readonly number[];
}

export const failureKinds = ['kill', 'pause'] as const;
export type FailureKind = (typeof failureKinds)[number];

export interface FailoverResult {
  readonly target: TargetName;
  readonly kind: FailureKind;
  /** From the signal until a write that was asked for later succeeds. */
  readonly timesMs: readonly number[];
}

export interface WatchResult {
  readonly target: TargetName;
  readonly watchers: number;
  readonly codec: WatchCodec;
  /** From asking for a write until all of the watchers, and half of them, were told of it. */
  readonly allToldMs: readonly number[];
  readonly halfToldMs: readonly number[];
}

export interface LockResult extends LockTimes {
  readonly target: TargetName;
  readonly clients: number;
  readonly waiters: number;
}

/** The package's client and the bare client at the same load, in rounds that took turns. */
export interface ClientResult {
  readonly workload: Workload;
  readonly outstanding: number;
  readonly connections: number;
  readonly bare: LoadMedians;
  readonly sdk: LoadMedians;
}

export interface Results {
  readonly machine: MachineFacts;
  readonly plan: Plan;
  readonly targets: { name: TargetName; description: string }[];
  /** Systems that were left out, and why. */
  readonly leftOut: { name: TargetName; reason: string }[];
  readonly load: LoadPoint[];
  readonly memory: MemoryResult[];
  readonly restart: RestartResult[];
  readonly failover: FailoverResult[];
  readonly watch: WatchResult[];
  readonly client: ClientResult[];
  readonly locks: LockResult[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function mediansOf(rounds: readonly LoadResult[]): LoadMedians {
  const known = (values: readonly (number | null)[]): number | null =>
    values.every((value) => value !== null) ? median(values) : null;
  return {
    throughput: median(rounds.map((round) => round.throughput)),
    p50Ms: median(rounds.map((round) => round.latencyMs.p50)),
    p99Ms: median(rounds.map((round) => round.latencyMs.p99)),
    serverMicros: known(rounds.map((round) => round.serverMicros)),
    driverMicros: known(rounds.map((round) => round.driverMicros)),
    errors: rounds.reduce((sum, round) => sum + round.errors, 0),
  };
}

/** The largest of the known values, or null when none is known. */
export function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
