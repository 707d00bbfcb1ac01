/**
 * Real node processes for integration tests. Each has its own ports and a directory that is removed with the test.
 * Tests start, kill, pause and restart them as an operator or a power cut would. They wait for events with a deadline,
 * never for a time.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitStatus } from '../../core/shell/status.ts';
import { bundleOf, run } from './programs.ts';
import type { Ran } from './programs.ts';

const host = '127.0.0.1';
const startTimeoutMs = 20_000;
const pollMs = 20;

const given = new Set<number>();

/**
 * A port below those that the system gives to outgoing connections, so that it is still free when a node comes back to
 * it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if (given.has(port)) continue;
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, host, () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    given.add(port);
    return port;
  }
}

/**
 * Asks repeatedly until `work` gives something other than null.
 * @throws with `what` and the last problem when the deadline passes.
 */
export async function eventually<T>(
  what: string,
  work: () => Promise<T | null>,
  timeoutMs: number = startTimeoutMs,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let problem = '';
  for (;;) {
    try {
      const value = await work();
      if (value !== null) return value;
    } catch (error) {
      problem = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms${problem}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

export interface Ended {
  readonly status: number | null;
  readonly signal: string | null;
}

export class NodeUnderTest {
  readonly name: string;
  readonly directory: string;
  readonly configFile: string;
  readonly dataDirectory: string;
  readonly cluster: string;
  readonly admin: string;
  readonly api: string;
  /** Lines of its log since its first start, as they were written. */
  readonly log: string[] = [];
  stderr = '';
  /** A command that becomes the node's process, such as `prlimit`. */
  before: readonly string[] = [];
  /** Flags of Node itself. */
  flags: readonly string[] = [];
  #child: ChildProcess | null = null;
  #ended: Promise<Ended> = Promise.resolve({ status: null, signal: null });
  #rest = '';
  #wakers: (() => void)[] = [];

  constructor(name: string, root: string, ports: readonly [number, number, number], config: string) {
    this.name = name;
    this.directory = join(root, name);
    this.configFile = join(this.directory, 'config.toml');
    this.dataDirectory = join(this.directory, 'data');
    [this.cluster, this.admin, this.api] = ports.map((port) => `${host}:${port}`) as [string, string, string];
    mkdirSync(this.directory, { recursive: true });
    this.configure(config);
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Writes the configuration: the five keys of every node, and `more` lines. It takes effect at the next start. */
  configure(more: string): void {
    writeFileSync(
      this.configFile,
      `node_name = "${this.name}"\ncluster_host = "${this.cluster}"\nadmin_host = "${this.admin}"\n` +
        `api_host = "${this.api}"\ndata_dir = "data"\n${more}\n`,
    );
  }

  /** Starts the process without waiting for it. */
  launch(): void {
    if (this.#child !== null) throw new Error(`${this.name} runs`);
    const program = [process.execPath, ...this.flags, bundleOf('haret'), 'start', '--config', this.configFile];
    const [command, ...args] = [...this.before, ...program] as [string, ...string[]];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.stderr = '';
    child.stdout.on('data', (chunk: Buffer) => this.#read(chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString('utf8')));
    this.#ended = new Promise((resolve) => {
      child.on('close', (status, signal) => {
        this.#child = null;
        for (const wake of this.#wakers.splice(0)) wake();
        resolve({ status, signal });
      });
    });
  }

  /** Starts the process and waits until its interfaces answer. */
  async start(): Promise<void> {
    this.launch();
    await this.untilHttp('/health');
  }

  /** Waits until `path` answers 200. @throws with its last output when the process ends first. */
  async untilHttp(path: '/health' | '/ready', timeoutMs: number = startTimeoutMs): Promise<void> {
    const answered = await eventually(
      `${this.name}${path}`,
      async () => {
        if (this.#child === null) return false;
        return (await this.http(path)).status === 200 ? true : null;
      },
      timeoutMs,
    );
    if (!answered) throw new Error(`${this.name} ended: ${this.stderr}`);
  }

  /** The first line of its log from index `from` on that contains `text`. It waits for the line. */
  async untilLogged(text: string, from = 0, timeoutMs: number = startTimeoutMs): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    for (let at = from; ;) {
      for (; at < this.log.length; at++) {
        const line = this.log[at]!;
        if (line.includes(text)) return line;
      }
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`${this.name} did not log ${text} within ${timeoutMs} ms`);
      if (this.#child === null) throw new Error(`${this.name} ended before it logged ${text}: ${this.stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wakers.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async http(path: string, init: RequestInit = {}): Promise<{ status: number; body: string }> {
    const response = await fetch(`http://${this.api}${path}`, { signal: AbortSignal.timeout(5000), ...init });
    return { status: response.status, body: await response.text() };
  }

  /** The value of the first sample of `/metrics` whose name and labels begin with `prefix`. */
  async metric(prefix: string): Promise<number | null> {
    const { body } = await this.http('/metrics');
    const line = body.split('\n').find((one) => one.startsWith(prefix));
    return line === undefined ? null : Number(line.slice(line.lastIndexOf(' ') + 1));
  }

  signal(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** Ends the process at once and without a sign, as a power cut would. */
  async kill(): Promise<Ended> {
    this.signal('SIGKILL');
    return this.#ended;
  }

  /** Ends the process as an operator would. */
  async stop(): Promise<Ended> {
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    return this.#ended;
  }

  async ended(): Promise<Ended> {
    return this.#ended;
  }

  /** Runs one admin command against this node. */
  async adminRun(...commands: readonly string[]): Promise<Ran> {
    return run('haret-admin', [this.admin, ...commands.flatMap((command) => ['-e', command])]);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.log.push(...lines);
    for (const wake of this.#wakers.splice(0)) wake();
  }
}

export class ClusterUnderTest {
  readonly root: string;
  readonly nodes: readonly NodeUnderTest[];

  private constructor(root: string, nodes: readonly NodeUnderTest[]) {
    this.root = root;
    this.nodes = nodes;
  }

  /**
   * Makes the directories of `count` nodes, dev1 and so on. None is started.
   * @param config further lines of each node's `config.toml`.
   */
  static async layOut(count: number, config = ''): Promise<ClusterUnderTest> {
    const root = mkdtempSync(join(tmpdir(), 'haret-test-'));
    const nodes: NodeUnderTest[] = [];
    for (let i = 1; i <= count; i++) {
      const ports: [number, number, number] = [await freePort(), await freePort(), await freePort()];
      nodes.push(new NodeUnderTest(`dev${i}`, root, ports, config));
    }
    return new ClusterUnderTest(root, nodes);
  }

  /**
   * Makes and starts nodes, joins them, and creates `namespace` with a replica on each (r1 on dev1 and so on), or three
   * on one node.
   */
  static async start(count: number, namespace = 'test-ns', config = ''): Promise<ClusterUnderTest> {
    const cluster = await ClusterUnderTest.layOut(count, config);
    try {
      await Promise.all(cluster.nodes.map((node) => node.start()));
      await cluster.found(namespace);
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  node(index: number): NodeUnderTest {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  async found(namespace: string): Promise<void> {
    const [first, ...others] = this.nodes;
    if (first === undefined) throw new Error('a cluster has a node');
    for (const other of others) await insist(first, `cluster join ${other.name}@${other.cluster}`);
    const places = [0, 1, 2].map((i) => this.nodes[i % this.nodes.length]!);
    const replicas = places.map((node, i) => `r${i + 1}::${node.name}@${node.cluster}`).join(',');
    await insist(first, `vr create namespace ${namespace} ${replicas}`);
    await Promise.all(this.nodes.map((node) => node.untilHttp('/ready')));
  }

  /** Kills the processes that still run and removes the directory. */
  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    rmSync(this.root, { recursive: true, force: true });
  }
}

/**
 * Runs a command of the operator. On a busy machine a node may be silent for longer than a program waits. Then nobody
 * knows whether the command was done, and an operator asks again.
 */
async function insist(node: NodeUnderTest, command: string): Promise<void> {
  let ran = await node.adminRun(command);
  for (let tries = 1; tries < 5 && ran.status === exitStatus.unavailable; tries++) {
    ran = await node.adminRun(command);
    if (ran.status === exitStatus.failed && ran.stderr.includes('already exists')) return;
  }
  if (ran.status !== 0) throw new Error(`status ${ran.status ?? ran.signal ?? '?'}: ${ran.stderr}${ran.stdout}`);
}
