/**
 * Locks of real processes: a holder that is stopped for longer than its lease, one that is killed, and a primary that
 * dies while a lock is held (coordination §2, §5).
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterUnderTest, eventually } from './cluster-process.ts';
import type { NodeUnderTest } from './cluster-process.ts';
import { bundleOf, run } from './programs.ts';
import type { Ran } from './programs.ts';

let cluster: ClusterUnderTest;
const workers: Worker[] = [];

beforeAll(async () => {
  cluster = await ClusterUnderTest.start(3);
});

afterAll(async () => {
  for (const worker of workers) worker.end();
  await cluster.close();
});

/** A shell that holds a lock until its input ends. */
class Worker {
  readonly child: ChildProcess;
  out = '';
  readonly ended: Promise<number | null>;

  constructor(node: NodeUnderTest, command: string) {
    const args = [bundleOf('haret-cli-client'), node.api, '--ns', 'test-ns', '-e', command];
    const env = { ...process.env, NO_COLOR: '1' };
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
    this.child.stdout!.on('data', (chunk: Buffer) => (this.out += chunk.toString('utf8')));
    this.child.stderr!.on('data', (chunk: Buffer) => (this.out += chunk.toString('utf8')));
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
    workers.push(this);
  }

  /** Ends it, and the program that it ran, which a kill leaves behind. */
  end(): void {
    try {
      process.kill(-this.child.pid!, 'SIGKILL');
    } catch {
      // All of them have ended.
    }
  }

  /** The token that its program was given. */
  token(): Promise<number> {
    return eventually('a lock', () => Promise.resolve(Number(/token (\d+)\./.exec(this.out)?.[1] ?? NaN) || null));
  }
}

/** Says its token, and goes on until it is ended. */
const holding = `-- ${process.execPath} -e "process.stdout.write('token ' + process.env.HARET_TOKEN + '.'); setInterval(() => 0, 1000)"`;

function client(node: NodeUnderTest, command: string): Promise<Ran> {
  return run('haret-cli-client', [node.api, '--ns', 'test-ns', '-e', command]);
}

/** A write that only the holder of this token may do. */
function fenced(node: NodeUnderTest, path: string, token: number): Promise<Ran> {
  return client(node, `txn { if held ${path} token ${token}; do counter incr /fenced${path} 1 }`);
}

async function primary(): Promise<NodeUnderTest> {
  return eventually('a primary', async () => {
    const { stdout } = await cluster.node(0).adminRun('vr primary test-ns');
    const name = /^test-ns::r\d::(dev\d)@/.exec(stdout)?.[1];
    return cluster.nodes.find((node) => node.name === name) ?? null;
  });
}

describe('a lock', () => {
  it('of a worker that is stopped for longer than its lease goes to the next, and its late write is refused', async () => {
    const [a, b] = cluster.nodes;
    expect(await client(a!, 'create counter /fenced/stopped')).toMatchObject({ status: 0 });
    const first = new Worker(a!, `lock acquire /stopped --lease 2s ${holding}`);
    const stale = await first.token();
    expect(await fenced(b!, '/stopped', stale)).toMatchObject({ status: 0 });
    first.child.kill('SIGSTOP');
    const second = new Worker(b!, `lock acquire /stopped --lease 2s ${holding}`);
    const token = await second.token();
    expect(token).toBeGreaterThan(stale);
    expect(await fenced(b!, '/stopped', stale)).toMatchObject({ status: 3 });
    expect(await fenced(b!, '/stopped', token)).toMatchObject({ status: 0 });
    first.child.kill('SIGCONT');
    // It has learned that it lost the lock, and has ended the program that was tied to it.
    expect(await first.ended).toBe(7);
    expect(first.out).toContain('Lost: /stopped');
    expect(await client(a!, 'lock info /stopped')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`token ${token}`) as string,
    });
  });

  it('of a worker that is killed is granted to the next within its lease and a second', async () => {
    const [a, b] = cluster.nodes;
    const first = new Worker(a!, `lock acquire /killed --lease 3s ${holding}`);
    await first.token();
    const second = new Worker(b!, `lock acquire /killed ${holding}`);
    await eventually('a wait', async () =>
      (await client(a!, 'lock info /killed')).stdout.includes('waits') ? true : null,
    );
    first.child.kill('SIGKILL');
    const killedAt = performance.now();
    await second.token();
    // The lease was renewed at most a third of it before. The rest is for a machine that is busy.
    expect(performance.now() - killedAt).toBeLessThan(3000 + 1000 + 2000);
  });

  it('is kept when the primary dies, and nobody else gets it', async () => {
    const first = await primary();
    const [holder, other] = cluster.nodes.filter((node) => node !== first);
    const worker = new Worker(holder!, `lock acquire /kept --lease 10s ${holding}`);
    const token = await worker.token();
    await first.kill();
    expect(await client(other!, 'lock try /kept')).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('Held') as string,
    });
    expect((await client(other!, 'lock info /kept')).stdout).toContain(`holds, token ${token}`);
    expect(worker.child.exitCode).toBeNull();
    worker.child.kill('SIGTERM');
    await worker.ended;
    await first.start();
  });
});
