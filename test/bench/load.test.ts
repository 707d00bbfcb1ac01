import { describe, expect, it } from 'vitest';
import { fill, percentilesOf, runLoad } from '../../bench/load.ts';
import type { LoadPlan } from '../../bench/load.ts';
import { ticksOfStat } from '../../bench/processor.ts';
import type { Connection, Done } from '../../bench/target.ts';

/** A store in memory that answers in a later turn, and remembers how many requests it had at a time. */
class MemoryConnection implements Connection {
  readonly stored = new Map<string, Uint8Array>();
  outstanding = 0;
  mostOutstanding = 0;
  /** Every so many requests one is refused. */
  refuseEvery = Infinity;
  #count = 0;

  #answer(done: Done, valueBytes: number): void {
    this.outstanding++;
    this.mostOutstanding = Math.max(this.mostOutstanding, this.outstanding);
    const refused = ++this.#count % this.refuseEvery === 0;
    setImmediate(() => {
      this.outstanding--;
      done(refused ? new Error('refused') : null, valueBytes);
    });
  }

  create(key: string, value: Uint8Array, done: Done): void {
    this.put(key, value, done);
  }

  put(key: string, value: Uint8Array, done: Done): void {
    this.stored.set(key, value);
    this.#answer(done, 0);
  }

  get(key: string, _linearizable: boolean, done: Done): void {
    this.#answer(done, this.stored.get(key)?.length ?? 0);
  }

  failure(): Error | null {
    return null;
  }

  close(): void {
    this.stored.clear();
  }
}

const plan: LoadPlan = {
  workload: 'get',
  outstanding: 12,
  seconds: 0.05,
  warmupSeconds: 0.01,
  valueBytes: 32,
  keys: 20,
};
const noProcessor = { server: () => null, driver: () => null };

describe('the load', () => {
  it('keeps exactly the wanted number of requests outstanding, dealt out over the connections', async () => {
    const connections = [new MemoryConnection(), new MemoryConnection(), new MemoryConnection()];
    const result = await runLoad(connections, { ...plan, workload: 'put' }, noProcessor);
    expect(connections.map((connection) => connection.mostOutstanding)).toEqual([4, 4, 4]);
    expect(connections.map((connection) => connection.outstanding)).toEqual([0, 0, 0]);
    expect(result.errors).toBe(0);
    expect(result.throughput).toBeCloseTo(result.requests / result.seconds);
    expect(result.latencyMs.p50).toBeLessThanOrEqual(result.latencyMs.p99);
  });

  it('makes the keys that it reads, and counts a read of the wrong size as an error', async () => {
    const connection = new MemoryConnection();
    await fill([connection], 0, plan.keys, plan.valueBytes, 7);
    expect(connection.stored.size).toBe(plan.keys);
    expect(connection.mostOutstanding).toBe(7);
    expect((await runLoad([connection], plan, noProcessor)).firstError).toBeNull();

    connection.stored.clear();
    const result = await runLoad([connection], plan, noProcessor);
    expect(result.requests).toBe(0);
    expect(result.firstError).toBe('read 0 bytes instead of 32');
  });

  it('continues after errors, and reports them', async () => {
    const connection = new MemoryConnection();
    connection.refuseEvery = 10;
    const result = await runLoad([connection], { ...plan, workload: 'put' }, noProcessor);
    expect(result.firstError).toBe('refused');
    expect(result.requests).toBeGreaterThan(0);
    expect(result.serverMicros).toBeNull();
  });

  it('stops filling at the first error', async () => {
    const connection = new MemoryConnection();
    connection.refuseEvery = 5;
    await expect(fill([connection], 0, 100, 8, 2)).rejects.toThrow('cannot make /bench/k0000004: refused');
  });

  it('tells processor time a request from the probes at both ends of the measured time', async () => {
    let micros = 0;
    const probe = { server: () => (micros += 1000), driver: () => 0 };
    const result = await runLoad([new MemoryConnection()], { ...plan, workload: 'put' }, probe);
    expect(result.serverMicros).toBeCloseTo(1000 / result.requests);
    expect(result.driverMicros).toBe(0);
  });
});

describe('figures', () => {
  it('takes percentiles of unsorted samples', () => {
    const samples = Float64Array.from({ length: 100 }, (_, index) => (index * 37) % 100);
    expect(percentilesOf(samples)).toEqual({ p50: 50, p99: 99, max: 99 });
  });

  it('finds processor time behind a program name with spaces and brackets', () => {
    const stat = '42 (a (strange) name) S 1 42 42 0 -1 4194304 100 0 0 0 123 45 0 0 20 0 1 0 100';
    expect(ticksOfStat(stat)).toBe(168);
  });
});
