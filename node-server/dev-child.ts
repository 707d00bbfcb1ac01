/**
 * One node of `haret dev` as a child process that we start, watch and stop. Its log goes to a file. When it ends
 * unasked, we say so on the terminal.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { DevNode } from './dev-layout.ts';

const stopTimeoutMs = 15_000;
const pollMs = 25;

export class DevChild {
  readonly node: DevNode;
  readonly #program: string;
  readonly #say: (line: string) => void;
  #process: ChildProcess | null = null;
  #expectedEnd = false;
  #wasUp = false;
  #ended: Promise<void> = Promise.resolve();

  /** @param program the file of the program `haret`, which the child runs too. */
  constructor(node: DevNode, program: string, say: (line: string) => void) {
    this.node = node;
    this.#program = program;
    this.#say = say;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  start(): void {
    if (this.#process !== null) return;
    const log = openSync(this.node.logFile, 'a');
    const { name } = this.node;
    // The child has a session of its own, so Ctrl-C reaches it only through us, in order. The end of its standard input
    // tells it that we are gone.
    const child = spawn(
      process.execPath,
      [...process.execArgv, this.#program, 'start', '--config', this.node.configFile, '--stop-with-parent'],
      { stdio: ['pipe', log, 'pipe'], detached: true },
    );
    closeSync(log);
    this.#process = child;
    this.#expectedEnd = false;
    this.#wasUp = false;
    child.stdin?.on('error', () => undefined);
    child.stderr?.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString('utf8').split('\n')) if (line !== '') this.#say(`${name}: ${line}`);
    });
    this.#ended = new Promise((resolve) => {
      const end = (how: string): void => {
        if (this.#process !== child) return;
        this.#process = null;
        if (!this.#expectedEnd && this.#wasUp)
          this.#say(`${name} ${how}; start it again with: npx haret dev start ${name}`);
        resolve();
      };
      child.on('error', (error) => end(`could not be started (${error.message})`));
      child.on('exit', (code, signal) =>
        end(signal === null ? `ended with status ${code ?? 0}` : `was killed by ${signal}`),
      );
    });
  }

  /** Stops it cleanly, or by force when that takes too long. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    this.#expectedEnd = true;
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await this.#ended;
    clearTimeout(force);
  }

  kill(): void {
    this.#expectedEnd = true;
    this.#process?.kill('SIGKILL');
  }

  /**
   * Waits until `path` of the node's API port answers 200. @throws when the process ends first, or when it takes too
   * long.
   */
  async until(path: '/health' | '/ready', timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#process !== null) {
      if (await answers(`http://${this.node.api}${path}`)) {
        this.#wasUp = true;
        return;
      }
      if (performance.now() > deadline) {
        throw new Error(`${this.node.name} does not answer on ${this.node.api}${path}; see ${this.node.logFile}`);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    throw new Error(`${this.node.name} did not start; see ${this.node.logFile}`);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
