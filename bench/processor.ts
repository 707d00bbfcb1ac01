/**
 * What the kernel knows about a process: its processor time and resident memory, from `/proc`. On other systems these
 * figures are null.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

let ticksASecond: number | null = null;

function clockTicks(): number {
  if (ticksASecond === null) {
    try {
      ticksASecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    } catch {
      // Linux has reported this on every architecture for decades.
      ticksASecond = 100;
    }
  }
  return ticksASecond;
}

/**
 * User and system ticks of one line of `/proc/PID/stat`. The program's name may contain spaces and brackets, so we
 * count after its end.
 */
export function ticksOfStat(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Microseconds of processor time that the processes have used together, or null where the kernel does not say. */
export function processorMicroseconds(pids: readonly number[]): number | null {
  try {
    let ticks = 0;
    for (const pid of pids) ticks += ticksOfStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return (ticks * 1e6) / clockTicks();
  } catch {
    return null;
  }
}

/** The resident memory of `pid` in bytes, or null where the kernel does not say. */
export function residentBytes(pid: number): number | null {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null;
  }
}
