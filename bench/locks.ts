/**
 * What a lock costs: many clients that take and release locks of their own, and many that wait for one lock. Each system
 * does it in its own way: haret's claims, etcd's lock service, and the recipe of ephemeral sequential nodes that
 * ZooKeeper's users have from Curator.
 */

import { connectEtcdLocker } from './etcd-locker.ts';
import { connectHaretLocker } from './haret-locker.ts';
import { percentilesOf } from './load.ts';
import type { Percentiles } from './load.ts';
import { processorMicroseconds } from './processor.ts';
import type { ClientKind, ClientSpec } from './target.ts';
import { connectZooKeeperLocker } from './zookeeper-locker.ts';

/** One client with a session or lease of its own. */
export interface Locker {
  /** Resolves when the lock is held. @returns what releases it. */
  acquire(name: string): Promise<() => Promise<void>>;
  /** Another client over the same connection. In etcd a lease is in line once, whoever asks with it. */
  twin(): Promise<Locker>;
  close(): void;
}

export interface LockPlan {
  /** Clients that each take and release a lock of their own. */
  readonly clients: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** How many wait for one lock. */
  readonly waiters: number;
  readonly serverPids: readonly number[];
}

export interface LockTimes {
  /** Locks that were taken and released a second. */
  readonly cycles: number;
  readonly cycleMs: Percentiles;
  /** Microseconds of processor time of all nodes for each cycle. */
  readonly serverMicros: number | null;
  /** From one release to the next grant, when {@link LockPlan.waiters} wait, and when one waits. */
  readonly handOverMs: Percentiles;
  readonly handOverAloneMs: Percentiles;
}

const connectors: Readonly<Record<ClientKind, (address: string) => Promise<Locker>>> = {
  'haret-bare': connectHaretLocker,
  'haret-engine': connectHaretLocker,
  'haret-sdk': connectHaretLocker,
  'etcd-frames': connectEtcdLocker,
  'etcd-node': connectEtcdLocker,
  zookeeper: connectZooKeeperLocker,
};

/** Waiters share connections, as the tasks of one program do. */
const waitingClients = 8;
/** A waiter is surely in line before the next one asks. */
const inLineMs = 3;
const pairCount = 100;

export async function measureLocks(spec: ClientSpec, plan: LockPlan): Promise<LockTimes> {
  const lockers = await Promise.all(
    Array.from({ length: plan.clients }, (_, i) => connectors[spec.client](spec.addresses[i % spec.addresses.length]!)),
  );
  try {
    const alone = await cycle(lockers, plan);
    const few = lockers.slice(0, waitingClients);
    const one = await few[1]!.twin();
    // One who waits at a time, as often as it takes for a median.
    const pairs: number[] = [];
    for (let i = 0; i < pairCount; i++) pairs.push(...(await handOver(few[0]!, [one], `pair${i}`)));
    const waiters = await Promise.all(Array.from({ length: plan.waiters }, (_, i) => few[i % few.length]!.twin()));
    const line = await handOver(await few[0]!.twin(), waiters, 'line');
    return {
      ...alone,
      handOverMs: percentilesOf(Float64Array.from(line)),
      handOverAloneMs: percentilesOf(Float64Array.from(pairs)),
    };
  } finally {
    for (const locker of lockers) locker.close();
  }
}

async function cycle(
  lockers: readonly Locker[],
  { seconds, warmupSeconds, serverPids }: LockPlan,
): Promise<Pick<LockTimes, 'cycles' | 'cycleMs' | 'serverMicros'>> {
  const samples: number[] = [];
  const beginMs = performance.now() + warmupSeconds * 1000;
  const endMs = beginMs + seconds * 1000;
  const cycles = lockers.map(async (locker, index) => {
    for (;;) {
      const askedMs = performance.now();
      if (askedMs >= endMs) return;
      const release = await locker.acquire(`own${index}`);
      await release();
      if (askedMs >= beginMs) samples.push(performance.now() - askedMs);
    }
  });
  await new Promise((resolve) => setTimeout(resolve, warmupSeconds * 1000));
  const before = processorMicroseconds(serverPids);
  await Promise.all(cycles);
  const after = processorMicroseconds(serverPids);
  return {
    cycles: samples.length / seconds,
    cycleMs: percentilesOf(Float64Array.from(samples)),
    serverMicros: before === null || after === null ? null : (after - before) / Math.max(1, samples.length),
  };
}

/** Has all of them stand in line for one lock, and lets them through one by one. */
async function handOver(holder: Locker, waiters: readonly Locker[], name: string): Promise<readonly number[]> {
  const timesMs: number[] = [];
  let releasedMs = 0;
  const release = await holder.acquire(name);
  const waiting: Promise<void>[] = [];
  for (const waiter of waiters) {
    const granted = waiter.acquire(name);
    waiting.push(
      granted.then(async (mine) => {
        timesMs.push(performance.now() - releasedMs);
        releasedMs = performance.now();
        await mine();
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, inLineMs));
  }
  releasedMs = performance.now();
  await release();
  await Promise.all(waiting);
  return timesMs;
}
