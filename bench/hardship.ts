/** What is measured on a cluster of its own, one system after the other: memory, restart, and loss of the primary. */

import { delay, until } from './children.ts';
import { connectProbe, connectTo } from './connect.ts';
import type { Driver } from './driver-handle.ts';
import { makeValues } from './load.ts';
import { residentBytes } from './processor.ts';
import type { FailureKind } from './results.ts';
import type { Connection, Target } from './target.ts';
import { keyName } from './target.ts';

/** Time for garbage collectors, compactions and elections to come to rest. */
const settleMs = 3000;
const recoveryTimeoutMs = 60_000;
/** A probe asks this often. A failover's time is only as exact as this. */
const probeIntervalMs = 10;
const maxUnanswered = 500;

function memoryOf(target: Target): (number | null)[] {
  return target.pids().map((pid) => (pid === null ? null : residentBytes(pid)));
}

export async function measureMemory(
  target: Target,
  driver: Driver,
  keys: number,
  valueBytes: number,
): Promise<{ emptyBytes: (number | null)[]; fullBytes: (number | null)[]; fillSeconds: number }> {
  const emptyBytes = memoryOf(target);
  const startedAt = performance.now();
  await driver.fill(0, keys, valueBytes);
  const fillSeconds = (performance.now() - startedAt) / 1000;
  await delay(settleMs);
  return { emptyBytes, fullBytes: memoryOf(target), fillSeconds };
}

/** Kills a node that is not the primary, and starts it again with its data. */
export async function measureRestart(target: Target, keys: number): Promise<number> {
  const primary = await target.primary();
  const node = (primary + 1) % target.pids().length;
  await target.kill(node);
  await delay(settleMs);
  const startedAt = performance.now();
  target.restart(node);
  await until(`${target.name} to be ready again`, () => target.ready(node), recoveryTimeoutMs, 5);
  const connection = await until(
    `${target.name} to take connections again`,
    () => connectTo(target.clientKind(), target.addresses()[node]!),
    recoveryTimeoutMs,
    5,
  );
  await until(
    `${target.name} to answer a local get`,
    async () => (await readLocally(connection, keyName(keys - 1))) > 0,
    recoveryTimeoutMs,
    5,
  );
  const tookMs = performance.now() - startedAt;
  connection.close();
  return tookMs;
}

function readLocally(connection: Connection, key: string): Promise<number> {
  return new Promise((resolve, reject) =>
    connection.get(key, false, (error, bytes) => (error === null ? resolve(bytes) : reject(error))),
  );
}

/** Keeps asking one node for a write, and opens a new connection whenever the old one is gone. */
class Probe {
  readonly #open: () => Promise<Connection>;
  readonly #key: string;
  readonly #value: Uint8Array;
  #connection: Connection | null = null;
  #opening = false;
  #unanswered = 0;
  #closed = false;

  constructor(open: () => Promise<Connection>, key: string, value: Uint8Array) {
    this.#open = open;
    this.#key = key;
    this.#value = value;
  }

  async start(): Promise<void> {
    const connection = await this.#open();
    this.#connection = connection;
    // The key must exist before a put can overwrite it.
    await new Promise<void>((resolve, reject) =>
      connection.create(this.#key, this.#value, (error) => (error === null ? resolve() : reject(error))),
    );
  }

  /** Asks once more. `done` hears of the first write that succeeds, whichever it was. */
  ask(done: () => void): void {
    if (this.#connection === null || this.#connection.failure() !== null) {
      this.#reopen();
      return;
    }
    if (this.#unanswered >= maxUnanswered) return;
    this.#unanswered++;
    this.#connection.put(this.#key, this.#value, (error) => {
      this.#unanswered--;
      if (error === null) done();
    });
  }

  #reopen(): void {
    if (this.#opening) return;
    this.#opening = true;
    this.#connection = null;
    this.#open().then(
      (connection) => {
        this.#opening = false;
        if (this.#closed) connection.close();
        else this.#connection = connection;
      },
      () => {
        this.#opening = false;
      },
    );
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
  }
}

/** Milliseconds from the signal to the primary until a write that was asked for later succeeds at another node. */
export async function measureFailover(target: Target, kind: FailureKind, valueBytes: number): Promise<number> {
  const primary = await target.primary();
  const [value] = makeValues(valueBytes, 1);
  const probes = target
    .addresses()
    .map((address, node) => ({ address, node }))
    .filter(({ node }) => node !== primary)
    .map(({ address, node }) => {
      const open = (): Promise<Connection> => connectProbe(target.clientKind(), address);
      return new Probe(open, keyName(9_000_000 + node), value!);
    });
  for (const probe of probes) await probe.start();

  const startedAt = performance.now();
  const killed = kind === 'kill' ? target.kill(primary) : Promise.resolve();
  if (kind === 'pause') target.signal(primary, 'SIGSTOP');
  const tookMs = await new Promise<number>((resolve, reject) => {
    const finish = (): void => {
      clearInterval(timer);
      clearTimeout(limit);
      resolve(performance.now() - startedAt);
    };
    const timer = setInterval(() => {
      for (const probe of probes) probe.ask(finish);
    }, probeIntervalMs);
    const limit = setTimeout(() => {
      clearInterval(timer);
      reject(new Error(`${target.name} took no write for ${recoveryTimeoutMs / 1000} s after a ${kind}`));
    }, recoveryTimeoutMs);
  }).finally(() => {
    for (const probe of probes) probe.close();
    if (kind === 'pause') target.signal(primary, 'SIGCONT');
  });
  await killed;
  if (kind === 'kill') target.restart(primary);
  for (let node = 0; node < target.pids().length; node++) {
    await until(`${target.name} to be whole again`, () => target.ready(node), recoveryTimeoutMs);
  }
  await delay(settleMs);
  return tookMs;
}
