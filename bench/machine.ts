/** The machine on which the run was made. Without it, the numbers mean little. */

import { closeSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';

export interface MachineFacts {
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  /** True when the data directory is only in memory. A sync then costs nothing and proves nothing. */
  readonly dataInMemory: boolean;
  /** The median time of a 4 KiB write with its sync. */
  readonly syncMs: number;
  /** How many processes wanted a core in the minute before the run. Above half of the cores, numbers are noisy. */
  readonly loadBefore: number;
  readonly date: string;
}

const memoryFileSystems: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const syncSamples = 50;

export function machineFacts(directory: string): MachineFacts {
  return {
    system: `${type()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    dataInMemory: memoryFileSystems.has(statfsSync(directory).type),
    syncMs: measureSync(directory),
    loadBefore: loadavg()[0] ?? 0,
    date: new Date().toISOString(),
  };
}

function measureSync(directory: string): number {
  const file = join(directory, `haret-bench-sync-${process.pid}`);
  const block = new Uint8Array(4096).fill(1);
  const handle = openSync(file, 'wx');
  try {
    const times = Array.from({ length: syncSamples }, (_, index) => {
      const before = performance.now();
      writeSync(handle, block, 0, block.length, index * block.length);
      fdatasyncSync(handle);
      return performance.now() - before;
    });
    return times.sort((a, b) => a - b)[syncSamples >> 1]!;
  } finally {
    closeSync(handle);
    rmSync(file);
  }
}
