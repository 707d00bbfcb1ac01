/**
 * Only one process may use a data directory. Tested with real processes: over process namespaces, crashes, pauses, and
 * a simulated other host. @module-tag slow
 */

import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryLock } from '../../node-server/directory-lock.ts';
import { placeHere } from '../../node-server/lock-holder.ts';

const otherHost = { boot: 'ffffffff', pids: '1', host: 'elsewhere' };
const container = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

function canIsolate(): boolean {
  try {
    execFileSync(container[0]!, [...container.slice(1), 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Makes a directory in which nothing can be created, even by root. Returns false where that is not possible. */
function seal(directory: string, sealed: boolean): boolean {
  try {
    execFileSync('chattr', [sealed ? '+i' : '-i', directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function canSeal(): boolean {
  const tried = fs.mkdtempSync(path.join(os.tmpdir(), 'haret-seal-'));
  const can = seal(tried, true) && seal(tried, false);
  fs.rmdirSync(tried);
  return can;
}

let programs: string;
let program: string;
let directory: string;
const children: Child[] = [];

/** A process with the lock, or one that was refused. */
class Child {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(options: object = {}, within: readonly string[] = []) {
    const [command, ...args] = [...within, process.execPath, program, directory, JSON.stringify(options)];
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    children.push(this);
  }

  async says(): Promise<string> {
    const { value } = (await this.#lines.next()) as { value: string };
    return value;
  }

  async stillHas(): Promise<string> {
    this.#process.stdin.write('?\n');
    return this.says();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}

function taken(options: object = {}): string {
  const lock = new DirectoryLock(directory, options);
  try {
    lock.acquire();
  } catch (error) {
    return (error as Error).message;
  }
  lock.release();
  return 'taken';
}

beforeAll(async () => {
  programs = fs.mkdtempSync(path.join(os.tmpdir(), 'haret-lock-program-'));
  program = path.join(programs, 'lock.mjs');
  const entryPoints = [path.join(import.meta.dirname, 'lock-program.ts')];
  await build({ entryPoints, outfile: program, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
});

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haret-lock-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
  fs.rmSync(directory, { recursive: true, force: true });
});

afterAll(() => fs.rmSync(programs, { recursive: true }));

describe('the lock of a data directory', () => {
  it('is never taken from a live process, paused or not, and is taken at once from one that was killed', async () => {
    const child = new Child();
    expect(await child.says()).toBe('held');
    const refusal = /^data directory .* is in use by process \d+: stop it, or give this node another data_dir$/;
    expect(taken()).toMatch(refusal);
    child.signal('SIGSTOP');
    expect(taken()).toMatch(refusal);
    await child.kill();
    const at = performance.now();
    expect(taken()).toBe('taken');
    // A process that watches a silent holder does so for ten seconds.
    expect(performance.now() - at).toBeLessThan(5000);
    // Only the sign that no process has it is left.
    const left = fs.readdirSync(directory);
    expect(left).toHaveLength(1);
    expect(fs.readlinkSync(path.join(directory, left[0]!))).toBe('free');
  });

  it.skipIf(!canSeal())('says of a directory in which no file can be made that it is not writable (needs root)', () => {
    seal(directory, true);
    try {
      expect(taken()).toMatch(
        /^data directory .* is not writable by this process \((EPERM|EACCES)\): no file can be made/,
      );
    } finally {
      seal(directory, false);
    }
    expect(taken()).toBe('taken');
  });

  it('holds between two nodes of one process', () => {
    const lock = new DirectoryLock(directory);
    lock.acquire();
    expect(taken()).toContain(`in use by process ${process.pid}`);
    lock.release();
    expect(taken()).toBe('taken');
  });

  it('has one winner when many find a dead holder at once', async () => {
    const dead = new Child();
    await dead.says();
    await dead.kill();
    const said = await Promise.all(Array.from({ length: 6 }, () => new Child().says()));
    expect(said.filter((one) => one === 'held')).toHaveLength(1);
    expect(said.filter((one) => one.includes('is in use by process'))).toHaveLength(5);
  });

  it.skipIf(!canIsolate())(
    'holds across process namespaces, and ends there with its process (needs root)',
    async () => {
      // To each of the two, the process number of the other means nothing.
      const inside = new Child({}, container);
      expect(await inside.says()).toBe('held');
      expect(taken()).toMatch(/in use by process \d+ of another container on this machine/);
      expect(await new Child({}, container).says()).toMatch(/in use by process \d+ of another container/);
      await inside.kill();
      const at = performance.now();
      const outside = new Child();
      expect(await outside.says()).toBe('held');
      // The kernel refuses its socket, so it need not wait.
      expect(performance.now() - at).toBeLessThan(5000);
      expect(await new Child({}, container).says()).toMatch(/in use by process \d+ of another container/);
      await outside.kill();
      expect(await new Child({}, container).says()).toBe('held');
    },
  );

  it('is taken from another host or an earlier boot only when its sign of life stands still', async () => {
    const child = new Child({ beatMs: 50 });
    expect(await child.says()).toBe('held');
    const watching = { here: otherHost, watchMs: 1000 };
    expect(taken(watching)).toMatch(new RegExp(`in use by process \\d+ on ${placeHere().host.slice(0, 4)}`));
    await child.kill();
    expect(taken(watching)).toBe('taken');
  });

  it('is lost by a process that was paused for longer than others watch, and the process notices before it writes', async () => {
    const child = new Child({ beatMs: 50, watchMs: 600 });
    expect(await child.says()).toBe('held');
    expect(await child.stillHas()).toBe('held');
    child.signal('SIGSTOP');
    const lock = new DirectoryLock(directory, { here: otherHost, watchMs: 600 });
    lock.acquire();
    child.signal('SIGCONT');
    expect(await child.stillHas()).toMatch(/was taken by process \d+ on else.* while this process was paused/);
    lock.check();
    lock.release();
  });

  it('that cannot be judged is not taken: it says what to do', () => {
    fs.symlinkSync('something else altogether', path.join(directory, 'lock-3'));
    expect(taken()).toBe(
      `it cannot be told whether data directory ${directory} is in use: ${directory}/lock-3 is its lock, and it cannot be read; make sure that no other process uses the directory, then remove that file and start again`,
    );
    fs.unlinkSync(path.join(directory, 'lock-3'));
    expect(taken()).toBe('taken');
  });

  it('is put back when it was removed by hand', async () => {
    const child = new Child({ beatMs: 50, watchMs: 200 });
    expect(await child.says()).toBe('held');
    const lock = fs.readdirSync(directory).find((name) => name.startsWith('lock-'))!;
    fs.unlinkSync(path.join(directory, lock));
    while (!fs.readdirSync(directory).includes(lock)) await new Promise((resolve) => setImmediate(resolve));
    expect(taken()).toContain('in use by');
    expect(await child.stillHas()).toBe('held');
  });

  it.skipIf(!canIsolate())('holds across namespaces where the path is too long for a socket (needs root)', async () => {
    const deep = path.join(directory, 'a-rather-long-name-of-a-directory'.repeat(5));
    fs.mkdirSync(deep);
    const short = directory;
    directory = deep;
    const inside = new Child({}, container);
    expect(await inside.says()).toBe('held');
    expect(taken()).toMatch(/of another container on this machine/);
    await inside.kill();
    expect(taken()).toBe('taken');
    directory = short;
  });
});
