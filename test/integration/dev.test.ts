/**
 * `haret dev` as a new user sees it: three nodes and a namespace from nothing, a node that is stopped, killed and
 * restarted, and the data of the last time.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, freePort } from './cluster-process.ts';
import { bundleOf, run } from './programs.ts';
import type { Ran } from './programs.ts';

const timeoutMs = 60_000;

/** A terminal in which `haret dev` runs. */
class Terminal {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  text = '';

  constructor(directory: string) {
    this.#child = spawn(process.execPath, [bundleOf('haret'), 'dev'], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const read = (chunk: Buffer): void => {
      this.text += chunk.toString('utf8');
    };
    this.#child.stdout?.on('data', read);
    this.#child.stderr?.on('data', read);
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (status) => resolve(status));
    });
  }

  async until(text: string): Promise<void> {
    await eventually(
      `"${text}" in ${this.text}`,
      () => Promise.resolve(this.text.includes(text) ? true : null),
      timeoutMs,
    );
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

let directory: string;
let terminal: Terminal;

async function dev(...args: readonly string[]): Promise<Ran> {
  return run('haret', ['dev', ...args], { cwd: directory });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'haret-dev-'));
  // They have their own ports, because an existing configuration is used unchanged.
  for (const name of ['dev1', 'dev2', 'dev3']) {
    mkdirSync(join(directory, 'dev', name), { recursive: true });
    const [cluster, admin, api] = [await freePort(), await freePort(), await freePort()];
    writeFileSync(
      join(directory, 'dev', name, 'config.toml'),
      `node_name = "${name}"\ncluster_host = "127.0.0.1:${cluster}"\nadmin_host = "127.0.0.1:${admin}"\n` +
        `api_host = "127.0.0.1:${api}"\ndata_dir = "data"\n`,
    );
  }
  terminal = new Terminal(directory);
  await terminal.until('Ctrl-C stops');
});

afterAll(() => {
  terminal.kill();
  rmSync(directory, { recursive: true, force: true });
});

describe('haret dev', () => {
  it('founds a cluster with a namespace, and says what to type next', () => {
    expect(terminal.text).toContain(
      'dev2 joined\ndev3 joined\nnamespace test-ns created\nprimary of test-ns: test-ns::r',
    );
    expect(terminal.text).toMatch(/npx haret-cli-client 127\.0\.0\.1:\d+ --ns test-ns/);
  });

  it('notices that it runs already', async () => {
    const second = await dev();
    expect(second.status).toBe(1);
    expect(second.stderr).toBe('haret: haret dev already runs on dev/; end it with Ctrl-C in its terminal\n');
  });

  it('does not take another cluster for its own', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'haret-dev-'));
    try {
      cpSync(join(directory, 'dev', 'dev1', 'config.toml'), join(elsewhere, 'dev', 'dev1', 'config.toml'));
      const second = await run('haret', ['dev'], { cwd: elsewhere });
      expect(second.status).toBe(1);
      expect(second.stderr).toMatch(/^haret: another process uses 127\.0\.0\.1:\d+, which dev1 needs: .*other ports/);
      expect(second.stdout).toBe('');
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  it('stops and starts a node from another terminal', async () => {
    expect(await dev('stop', 'dev2')).toMatchObject({ status: 0, stdout: 'dev2 stopped\n' });
    expect(await dev('stop', 'dev2')).toMatchObject({ status: 1, stderr: 'haret: dev2 does not run\n' });
    expect((await dev('status')).stdout).toMatch(/^dev1 runs, pid \d+\ndev2 stopped\ndev3 runs, pid \d+\n$/);
    expect((await dev('start', 'dev2')).stdout).toMatch(/^dev2 runs, pid \d+\n$/);
    expect(await dev('start', 'dev9')).toMatchObject({
      status: 1,
      stderr: 'haret: there is no dev9; there are dev1, dev2, dev3\n',
    });
  });

  it('reports a node that was killed, and how to start it again', async () => {
    const pid = Number(/dev3 runs, pid (\d+)/.exec((await dev('status')).stdout)?.[1]);
    process.kill(pid, 'SIGKILL');
    await terminal.until('dev3 was killed by SIGKILL; start it again with: npx haret dev start dev3');
    expect(await dev('start', 'dev3')).toMatchObject({ status: 0 });
  });

  it('ends cleanly at Ctrl-C, and starts again with the same data', async () => {
    terminal.interrupt();
    expect(await terminal.ended).toBe(0);
    expect(await dev('status')).toMatchObject({
      status: 1,
      stderr: 'haret: haret dev is not running on dev/; start it with: npx haret dev\n',
    });
    terminal = new Terminal(directory);
    await terminal.until('Ctrl-C stops');
    expect(terminal.text).not.toContain('joined');
    expect(terminal.text).not.toContain('created');
  });

  it('takes its nodes with it when it is killed itself', async () => {
    const pids = [...(await dev('status')).stdout.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
    expect(pids.length).toBe(3);
    terminal.kill();
    await eventually('the end of the nodes', () => Promise.resolve(pids.some(isAlive) ? null : true), timeoutMs);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
