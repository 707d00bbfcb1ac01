/** Programs that run beside the nodes of a trial. */
import { spawn } from 'node:child_process';
import { packageRoot } from '../../integration/programs.ts';
import type { Stage } from '../stage.ts';

export interface Beside {
  readonly lines: string[];
  readonly pid: number;
  stderr: string;
  readonly ended: Promise<{ readonly status: number | null }>;
  stop(): void;
}

/** Runs a program for as long as the trial lasts. */
export function beside(stage: Stage, command: string, args: readonly string[]): Beside {
  // In a process group of its own, so that whatever it starts ends with it.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: packageRoot, detached: true });
  let rest = '';
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  };
  const ended = new Promise<{ status: number | null }>((resolve) => child.on('close', (status) => resolve({ status })));
  child.on('error', () => undefined);
  stage.atEnd(async () => {
    stop();
    await ended;
  });
  const program: Beside = { lines: [], pid: child.pid ?? 0, stderr: '', ended, stop };
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    program.lines.push(...lines);
  });
  child.stderr.on('data', (chunk: Buffer) => (program.stderr += chunk.toString('utf8')));
  return program;
}
