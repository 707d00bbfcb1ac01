/**
 * Locks of real processes: a holder that is stopped for longer than its lease, one that is killed, and a primary that
 * dies while a lock is held (coordination §2, §5).
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** Says which signal it got, and ends with status 42 when the file of the name after it is there. */
const patient = (file: string): string => {
  const script =
    `const told = (signal) => process.stdout.write(signal + '.');` +
    `for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']) process.on(signal, told);` +
    `process.stdout.write('token ' + process.env.HARET_TOKEN + '.');` +
    `setInterval(() => fs.existsSync('${file}') && process.exit(42), 10)`;
  return `-- ${process.execPath} -e "${script}"`;
};

const signals = [
  ['SIGHUP', 129, 'SIGTERM'],
  ['SIGINT', 130, 'SIGINT'],
  ['SIGQUIT', 131, 'SIGQUIT'],
  ['SIGTERM', 143, 'SIGTERM'],
] as const;

const kinds = [
  ['lock', 'lock acquire'],
  ['semaphore', 'semaphore acquire --of 1'],
  ['election', 'election campaign --value v'],
] as const;

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

describe('a shell that is ended by', () => {
  it.each(signals)('%s keeps what it holds until its program has ended', async (signal, status, told) => {
    const [a, b] = cluster.nodes;
    const directory = mkdtempSync(join(tmpdir(), 'haret-'));
    const file = join(directory, 'go');
    const shells = kinds.map(([kind, command]) => ({
      info: `${kind} info /${kind}/${signal}`,
      worker: new Worker(a!, `${command} /${kind}/${signal} ${patient(file)}`),
    }));
    for (const { worker } of shells) await worker.token();
    for (const { worker } of shells) worker.child.kill(signal);
    for (const { info, worker } of shells) {
      await eventually('a signal', () => Promise.resolve(worker.out.includes(`${told}.`) || null));
      expect((await client(b!, info)).stdout).toContain('holds');
      expect(worker.child.exitCode).toBeNull();
    }
    writeFileSync(file, '');
    for (const { info, worker } of shells) {
      expect(await worker.ended).toBe(status);
      expect((await client(b!, info)).status).toBe(4);
    }
    rmSync(directory, { recursive: true });
  });

  it.each(signals)('%s no longer stands in line', async (signal, status) => {
    const [a, b] = cluster.nodes;
    const shells = kinds.map(([kind, command]) => ({
      info: `${kind} info /${kind}/w${signal}`,
      holder: new Worker(a!, `${command} /${kind}/w${signal} ${holding}`),
      claim: `${command} /${kind}/w${signal} -- echo no`,
    }));
    for (const { holder } of shells) await holder.token();
    const waiters = shells.map(({ claim }) => new Worker(b!, claim));
    for (const { info } of shells) {
      await eventually('a wait', async () => ((await client(a!, info)).stdout.includes('waits') ? true : null));
    }
    for (const waiter of waiters) waiter.child.kill(signal);
    for (const waiter of waiters) expect(await waiter.ended).toBe(status);
    for (const { info } of shells) {
      const { stdout } = await client(a!, info);
      expect(stdout).toContain('holds');
      expect(stdout).not.toContain('waits');
    }
    for (const { holder } of shells) holder.child.kill('SIGTERM');
    for (const { holder } of shells) await holder.ended;
  });

  it('a reader who leaves gives up what it holds', async () => {
    const [a, b] = cluster.nodes;
    const shell = new Worker(a!, 'lock acquire /read ; create blob /said ; watch /said');
    await eventually('a lock', () => Promise.resolve(shell.out.includes('Ok') || null));
    shell.child.stdout!.destroy();
    await eventually('its end', async () => {
      await client(b!, 'blob put /said more');
      return shell.child.exitCode;
    });
    expect(await shell.ended).toBe(0);
    expect((await client(b!, 'lock info /read')).status).toBe(4);
  });
});

describe('a program that runs while a lock is held', () => {
  it.each([
    ['exit 42', 42, 'ended with status 42'],
    ['kill -9 $$', 137, 'was ended by SIGKILL'],
    ['exit 0', 0, ''],
  ])('gives its exit status to the shell: %s', async (script, status, said) => {
    const ran = await client(cluster.node(0), `lock acquire /status -- sh -c '${script}'`);
    expect(ran.status).toBe(status);
    expect(ran.stderr).toContain(said);
  });

  it('is named when it cannot be run', async () => {
    const args = [cluster.node(0).api, '--ns', 'test-ns', '--json', '-e', 'lock acquire /status -- no-such-program'];
    const ran = await run('haret-cli-client', args);
    expect(ran.status).toBe(127);
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: false, error: { code: 'ProgramFailed', status: 127 } });
    expect((await client(cluster.node(1), 'lock info /status')).status).toBe(4);
  });
});
