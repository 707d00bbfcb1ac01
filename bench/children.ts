/** The processes and directories that the bench makes. However it ends, none of them is left. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const children = new Set<ChildProcess>();
const directories = new Set<string>();

/**
 * Kills every process and removes every directory that is left. It is synchronous, so that it works while the process
 * exits.
 */
export function cleanUp(): void {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  directories.clear();
}

/** Cleans up however this process ends, Ctrl-C included. */
export function cleanUpOnExit(): void {
  process.on('exit', cleanUp);
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  for (const [signal, status] of Object.entries(signals)) process.on(signal, () => process.exit(status));
}

/** Registers a child that other code spawned. */
export function watchChild(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
}

export function makeTemporaryDirectory(parent: string, name: string): string {
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, `haret-bench-${name}-`));
  directories.add(directory);
  return directory;
}

export function removeTemporaryDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  directories.delete(directory);
}

/** A server process. Its output goes to a file, which is shown when the process ends too early. */
export class NodeProcess {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #exited: Promise<void>;
  #spawnError: Error | null = null;
  #running = true;

  constructor(command: string, args: readonly string[], logFile: string, environment: NodeJS.ProcessEnv = {}) {
    this.#logFile = logFile;
    const log = openSync(logFile, 'a');
    this.#child = spawn(command, args, { stdio: ['ignore', log, log], env: { ...process.env, ...environment } });
    closeSync(log);
    watchChild(this.#child);
    this.#exited = new Promise((resolve) => {
      const ended = (): void => {
        this.#running = false;
        resolve();
      };
      this.#child.once('exit', ended);
      this.#child.once('error', (error) => {
        this.#spawnError = error;
        ended();
      });
    });
  }

  get pid(): number | null {
    return this.#running ? (this.#child.pid ?? null) : null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to end, and kills it after `patienceMs`. */
  async end(signal: 'SIGTERM' | 'SIGKILL', patienceMs = 5000): Promise<void> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), patienceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  /** @throws an Error with the end of its output when it is not running. */
  assertRunning(name: string): void {
    if (this.#running) return;
    const reason = this.#spawnError?.message ?? this.#lastOutput();
    throw new Error(`${name} ended before it was asked to:\n${reason}`);
  }

  #lastOutput(): string {
    return readFileSync(this.#logFile, 'utf8').split('\n').slice(-15).join('\n');
  }
}

/** TCP ports of the loopback interface that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Calls `check` every `intervalMs` until it returns something. If it throws, that counts as nothing. */
export async function until<T>(
  what: string,
  check: () => Promise<T | null | false>,
  timeoutMs: number,
  intervalMs = 20,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = null;
  for (;;) {
    try {
      const value = await check();
      if (value !== null && value !== false) return value;
    } catch (error) {
      if (error instanceof FatalError) throw error;
      last = error;
    }
    if (performance.now() > deadline) {
      const reason = last instanceof Error ? `: ${last.message}` : '';
      throw new Error(`gave up after ${timeoutMs / 1000} s waiting for ${what}${reason}`);
    }
    await delay(intervalMs);
  }
}

/** Ends an `until` at once, because waiting longer cannot help. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
}
