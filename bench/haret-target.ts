/** Three nodes of haret with its default settings: started from config files, joined, and given one namespace. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adminRequest } from './admin-request.ts';
import { askPrimary, benchNamespace, connectBareHaret } from './bare-haret-client.ts';
import { freePorts, until } from './children.ts';
import { GroupTarget } from './group-target.ts';
import { nodeCount } from './node-group.ts';
import type { ClientKind } from './target.ts';

const startTimeoutMs = 30_000;
const askTimeoutMs = 1_000;
const portsEach = 3;

export class HaretTarget extends GroupTarget {
  readonly #program: string;
  readonly #client: ClientKind;
  readonly #profileDirectory: string | null;
  #ports: readonly number[] = [];

  /**
   * `profileDirectory` gets a processor profile of each node when the node ends.
   * @throws an Error when the program has not been built.
   */
  constructor(
    directory: string,
    program: string,
    client: 'haret-bare' | 'haret-engine' | 'haret-sdk',
    profileDirectory: string | null,
  ) {
    super('haret', directory, startTimeoutMs);
    if (!existsSync(program)) throw new Error(`there is no ${program}; build it first`);
    this.#program = program;
    this.#client = client;
    this.#profileDirectory = profileDirectory;
  }

  describe(): string {
    const profiled = this.#profileDirectory === null ? '' : ', being profiled';
    return `haret, default settings, Node ${process.version}, client ${this.#client}${profiled}`;
  }

  clientKind(): ClientKind {
    return this.#client;
  }

  addresses(): readonly string[] {
    return Array.from({ length: nodeCount }, (_, node) => this.#address(node, 2));
  }

  #address(node: number, of: 0 | 1 | 2): string {
    return `127.0.0.1:${this.#ports[portsEach * node + of]!}`;
  }

  async start(): Promise<void> {
    const directories = this.group.makeDirectories();
    this.#ports = await freePorts(portsEach * nodeCount);
    if (this.#profileDirectory !== null) mkdirSync(this.#profileDirectory, { recursive: true });
    this.group.start(
      directories.map((directory, node) => {
        const config = join(directory, 'config.toml');
        const lines = [
          `node_name = "node${node + 1}"`,
          `cluster_host = "${this.#address(node, 0)}"`,
          `admin_host = "${this.#address(node, 1)}"`,
          `api_host = "${this.#address(node, 2)}"`,
          `data_dir = ${JSON.stringify(join(directory, 'data'))}`,
        ];
        writeFileSync(config, `${lines.join('\n')}\n`);
        const profile = this.#profileDirectory === null ? [] : ['--cpu-prof', '--cpu-prof-dir', this.#profileDirectory];
        return { program: process.execPath, args: [...profile, this.#program, 'start', '--config', config] };
      }),
    );
    const [first, ...others] = Array.from({ length: nodeCount }, (_, node) => ({
      node: `node${node + 1}`,
      address: this.#address(node, 0),
    }));
    const tell = (what: string, command: Parameters<typeof adminRequest>[1], done: RegExp): Promise<unknown> =>
      until(
        what,
        async () => {
          this.group.assertRunning();
          try {
            return await adminRequest(this.#address(0, 1), command);
          } catch (error) {
            // An earlier attempt may have succeeded although its answer was lost.
            if (done.test((error as Error).message)) return true;
            throw error;
          }
        },
        this.startTimeoutMs,
        100,
      );
    for (const other of others) {
      await tell(`${other.node} to join`, { kind: 'clusterJoin', ...other }, /already/i);
    }
    const replicas = [first!, ...others].map((node, index) => ({ replica: `r${index + 1}`, ...node }));
    const create = { kind: 'createNamespace', namespace: benchNamespace, replicas, allowSmall: false } as const;
    await tell('the namespace', create, /exists/i);
    await this.primary();
    await until(
      'haret to take a write',
      async () => {
        const connection = await connectBareHaret(this.#address(0, 2));
        try {
          await connection.makeRoot();
        } finally {
          connection.close();
        }
        return true;
      },
      this.startTimeoutMs,
      100,
    );
  }

  /** A profiled node writes its profile while it ends. */
  override stop(): Promise<void> {
    return this.group.stop(this.#profileDirectory !== null);
  }

  protected async findPrimary(): Promise<number | null> {
    this.group.assertRunning();
    for (let node = 0; node < nodeCount; node++) {
      if (!this.isUp(node)) continue;
      const primary = await askPrimary(this.#address(node, 2)).catch(() => null);
      const at = primary === null ? -1 : Number(primary.nodeName.slice('node'.length)) - 1;
      // A backup that has not noticed yet may still name a primary that is down.
      if (at >= 0 && this.isUp(at)) return at;
    }
    return null;
  }

  async ready(node: number): Promise<boolean> {
    const response = await fetch(`http://${this.#address(node, 2)}/ready`, {
      signal: AbortSignal.timeout(askTimeoutMs),
    });
    await response.arrayBuffer();
    return response.ok;
  }
}
