/** What the kernel knows of a process: processor time and resident memory, from `/proc`. Elsewhere these figures are null. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

let ticksASecond: number | null = null;

function clockTicks(): number {
  if (ticksASecond === null) {
    try {
      ticksASecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
    } catch {
      // What Linux has reported on every architecture for decades.
      ticksASecond = 100;
    }
  }
  return ticksASecond;
}

/** User and system ticks of one line of `/proc/PID/stat`. The program's name may hold spaces and brackets, so count from its end. */
export function ticksOfStat(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Microseconds of processor that the processes have used together, or null where the kernel does not tell. */
export function processorMicroseconds(pids: readonly number[]): number | null {
  try {
    let ticks = 0;
    for (const pid of pids) ticks += ticksOfStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return (ticks * 1e6) / clockTicks();
  } catch {
    return null;
  }
}

/** Bytes of `pid` that are in memory, or null where the kernel does not tell. */
export function residentBytes(pid: number): number | null {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? null : Number(match[1]) * 1024;
  } catch {
    return null;
  }
}
