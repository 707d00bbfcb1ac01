/** Runs a program while a lock is held, and ends it when the lock is lost. */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { RunProgram } from '../../core/shell/connection.ts';
import { exitStatus } from '../../core/shell/status.ts';
import { endingSignals, isKeyboardSignal } from './ending.ts';

/** After SIGTERM, a program has this long to end by itself. */
const graceMs = 10_000;

/** A signal that ended a program counts as its number and this, as in shells. */
const signalStatus = 128;

/** The programs that this shell runs. What they are tied to is held until they have ended, whatever ends the shell. */
export class TiedPrograms {
  #running = 0;
  /** The terminal as a program expects it, until the returned function is called. */
  cook: () => () => void = () => () => undefined;

  /** True while one runs. It has the terminal, and so the keys that interrupt are meant for it. */
  get running(): boolean {
    return this.#running > 0;
  }

  readonly run: RunProgram = async (words, environment, hold) => {
    this.#running++;
    const restore = this.cook();
    try {
      return await runTied(words, environment, hold);
    } finally {
      restore();
      this.#running--;
    }
  };
}

/** True when the keys of a terminal reach the program as they reach this process. */
function hasTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}

const runTied: RunProgram = ([program, ...words], environment, hold) =>
  new Promise((resolve) => {
    const child = spawn(program!, words, { stdio: 'inherit', env: { ...process.env, ...environment } });
    let kill: NodeJS.Timeout | undefined;
    const stop = (): void => {
      if (child.exitCode !== null || kill !== undefined) return;
      child.kill('SIGTERM');
      kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
    };
    // Whoever ends this process means the program too. A key of the terminal has reached it already, and what ends its
    // work in order once would kill it the second time.
    const told = (signal: NodeJS.Signals): void => {
      if (!isKeyboardSignal(signal)) stop();
      else if (!hasTerminal()) child.kill(signal);
    };
    for (const signal of endingSignals) process.on(signal, told);
    const over = (): void => {
      clearTimeout(kill);
      for (const signal of endingSignals) process.off(signal, told);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      over();
      const status = error.code === 'ENOENT' ? exitStatus.noProgram : exitStatus.cannotRun;
      resolve({ status, problem: `cannot be run: ${error.message}` });
    });
    child.on('close', (status, signal) => {
      over();
      if (status === 0) resolve({ status, problem: null });
      else if (signal === null) resolve({ status: status ?? 1, problem: `ended with status ${status}` });
      else resolve({ status: signalStatus + constants.signals[signal], problem: `was ended by ${signal}` });
    });
    hold.onLost(stop);
  });
