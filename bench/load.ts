/**
 * The load itself: a fixed number of lanes, each with one request outstanding, over some connections, for some seconds.
 */

import type { Connection, Done } from './target.ts';
import { keyName } from './target.ts';

export const workloads = ['put', 'get', 'local-get'] as const;
export type Workload = (typeof workloads)[number];

export interface LoadPlan {
  readonly workload: Workload;
  readonly outstanding: number;
  readonly seconds: number;
  /** Load before the measured time, so that connections, caches and compilers are warm. */
  readonly warmupSeconds: number;
  readonly valueBytes: number;
  /** How many keys exist, from 0 on. */
  readonly keys: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  /** The text of the first error, if there was one. */
  readonly firstError: string | null;
  readonly seconds: number;
  readonly throughput: number;
  readonly latencyMs: Percentiles;
  /** Microseconds of processor time for each request, of all nodes together and of the driver. */
  readonly serverMicros: number | null;
  readonly driverMicros: number | null;
}

/** Microseconds of processor time used so far. */
export interface ProcessorProbe {
  server(): number | null;
  driver(): number | null;
}

/** Values that do not compress and differ from one another, so that no system can avoid the work. */
export function makeValues(valueBytes: number, count: number): Uint8Array[] {
  let state = 0x9e3779b9;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  };
  return Array.from({ length: count }, () => Uint8Array.from({ length: valueBytes }, next));
}

export function percentilesOf(samples: Float64Array): Percentiles {
  if (samples.length === 0) return { p50: 0, p99: 0, max: 0 };
  const sorted = samples.slice().sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { p50: at(0.5), p99: at(0.99), max: sorted[sorted.length - 1]! };
}

/** Samples in a growing array of numbers. Recording one mostly allocates nothing. */
class Samples {
  #values = new Float64Array(65_536);
  #count = 0;

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#count * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = value;
  }

  taken(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }
}

const distinctValues = 64;
/** A lane pauses this long after an error, so that a refused load does not become a storm. */
const errorPauseMs = 5;
const drainTimeoutMs = 15_000;

export async function runLoad(
  connections: readonly Connection[],
  plan: LoadPlan,
  processor: ProcessorProbe,
): Promise<LoadResult> {
  const keys = Array.from({ length: plan.keys }, (_, index) => keyName(index));
  const values = makeValues(plan.valueBytes, distinctValues);
  const samples = new Samples();
  let measuring = false;
  let stopping = false;
  let errors = 0;
  let firstError: string | null = null;
  let running = 0;
  let random = 12_345;
  let drained: () => void = () => undefined;

  const startLane = (connection: Connection): void => {
    let startedAt = 0;
    const issue = (): void => {
      if (stopping) {
        running--;
        if (running === 0) drained();
        return;
      }
      random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
      const key = keys[random % keys.length]!;
      startedAt = performance.now();
      if (plan.workload === 'put') connection.put(key, values[random % distinctValues]!, done);
      else connection.get(key, plan.workload === 'get', done);
    };
    const done: Done = (error, valueBytes) => {
      const wrongSize = error === null && plan.workload !== 'put' && valueBytes !== plan.valueBytes;
      if (error !== null || wrongSize) {
        if (measuring) errors++;
        firstError ??= error?.message ?? `read ${valueBytes} bytes instead of ${plan.valueBytes}`;
        setTimeout(issue, errorPauseMs);
        return;
      }
      if (measuring) samples.add(performance.now() - startedAt);
      issue();
    };
    running++;
    issue();
  };

  for (let lane = 0; lane < plan.outstanding; lane++) startLane(connections[lane % connections.length]!);
  await pause(plan.warmupSeconds);
  const serverBefore = processor.server();
  const driverBefore = processor.driver();
  const startedAt = performance.now();
  measuring = true;
  await pause(plan.seconds);
  measuring = false;
  const seconds = (performance.now() - startedAt) / 1000;
  const serverAfter = processor.server();
  const driverAfter = processor.driver();

  stopping = true;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${running} requests were not answered within ${drainTimeoutMs / 1000} s`)),
      drainTimeoutMs,
    );
    drained = () => {
      clearTimeout(timer);
      resolve();
    };
  });

  const taken = samples.taken();
  const each = (before: number | null, after: number | null): number | null =>
    before === null || after === null || taken.length === 0 ? null : (after - before) / taken.length;
  return {
    requests: taken.length,
    errors,
    firstError,
    seconds,
    throughput: taken.length / seconds,
    latencyMs: percentilesOf(taken),
    serverMicros: each(serverBefore, serverAfter),
    driverMicros: each(driverBefore, driverAfter),
  };
}

/** Creates keys `from` to `to` - 1, many at a time. Fails on the first error. */
export function fill(
  connections: readonly Connection[],
  from: number,
  to: number,
  valueBytes: number,
  outstanding: number,
): Promise<void> {
  const values = makeValues(valueBytes, distinctValues);
  return new Promise((resolve, reject) => {
    let next = from;
    let left = to - from;
    if (left <= 0) resolve();
    const lane = (connection: Connection): void => {
      if (next >= to) return;
      const index = next++;
      connection.create(keyName(index), values[index % distinctValues]!, (error) => {
        if (error !== null) {
          reject(new Error(`cannot make ${keyName(index)}: ${error.message}`));
          return;
        }
        left--;
        if (left === 0) resolve();
        else lane(connection);
      });
    };
    for (let i = 0; i < outstanding; i++) lane(connections[i % connections.length]!);
  });
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
