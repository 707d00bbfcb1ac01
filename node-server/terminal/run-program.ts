/** Runs a program while a lock is held, and ends it when the lock is lost. */

import { spawn } from 'node:child_process';
import type { RunProgram } from '../../core/shell/connection.ts';
import { UsageError } from '../../core/shell/status.ts';

/** After SIGTERM, a program has this long to end by itself. */
const graceMs = 10_000;

/** A signal that ended a program, as shells count it. */
const signalStatus = 128;

/** The program has this one's terminal. SIGINT from the keyboard reaches it by itself. */
export const runTiedProgram: RunProgram = ([program, ...words], environment, hold) =>
  new Promise((resolve, reject) => {
    const child = spawn(program!, words, { stdio: 'inherit', env: { ...process.env, ...environment } });
    let kill: NodeJS.Timeout | undefined;
    const stop = (): void => {
      if (child.exitCode !== null || kill !== undefined) return;
      child.kill('SIGTERM');
      kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
    };
    // Whoever ends this process means the program too. It gives up the hold when the program has ended.
    process.on('SIGTERM', stop);
    process.on('SIGHUP', stop);
    const over = (): void => {
      clearTimeout(kill);
      process.off('SIGTERM', stop);
      process.off('SIGHUP', stop);
    };
    child.on('error', (error) => {
      over();
      reject(new UsageError(`${program!} cannot be run: ${error.message}`));
    });
    child.on('close', (status) => {
      over();
      resolve(status ?? signalStatus);
    });
    hold.onLost(stop);
  });
