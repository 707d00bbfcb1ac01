/** Three nodes of etcd with its default settings. */

import { execFileSync } from 'node:child_process';
import { freePorts, until } from './children.ts';
import { connectTo } from './connect.ts';
import { GroupTarget } from './group-target.ts';
import { nodeCount } from './node-group.ts';
import type { ClientKind } from './target.ts';

const startTimeoutMs = 30_000;
const askTimeoutMs = 1_000;

interface Status {
  readonly header: { readonly member_id: string };
  readonly leader?: string;
}

export class EtcdTarget extends GroupTarget {
  readonly #version: string;
  readonly #client: ClientKind;
  #addresses: readonly string[] = [];

  /** @throws an Error when etcd is not installed. */
  constructor(directory: string, client: 'etcd-frames' | 'etcd-node') {
    super('etcd', directory, startTimeoutMs);
    this.#version = /etcd Version: (\S+)/.exec(execFileSync('etcd', ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
    this.#client = client;
  }

  describe(): string {
    return `etcd ${this.#version}, default settings, client ${this.#client}`;
  }

  clientKind(): ClientKind {
    return this.#client;
  }

  addresses(): readonly string[] {
    return this.#addresses;
  }

  async start(): Promise<void> {
    const directories = this.group.makeDirectories();
    const ports = await freePorts(2 * nodeCount);
    const peers = ports.slice(0, nodeCount).map((port) => `http://127.0.0.1:${port}`);
    this.#addresses = ports.slice(nodeCount).map((port) => `127.0.0.1:${port}`);
    const cluster = peers.map((url, node) => `node${node + 1}=${url}`).join(',');
    this.group.start(
      directories.map((directory, node) => ({
        program: 'etcd',
        args: [
          ['--name', `node${node + 1}`],
          ['--data-dir', directory],
          ['--listen-peer-urls', peers[node]!],
          ['--initial-advertise-peer-urls', peers[node]!],
          ['--listen-client-urls', `http://${this.#addresses[node]!}`],
          ['--advertise-client-urls', `http://${this.#addresses[node]!}`],
          ['--initial-cluster', cluster],
          ['--initial-cluster-state', 'new'],
        ].flat(),
        // On some architectures, etcd starts only when it is told that we know that they are not supported.
        ...(process.arch === 'arm64' ? { environment: { ETCD_UNSUPPORTED_ARCH: 'arm64' } } : {}),
      })),
    );
    await until(
      'etcd to elect a leader',
      async () => {
        this.group.assertRunning();
        for (let node = 0; node < nodeCount; node++) if (!(await this.ready(node))) return false;
        const connection = await connectTo(this.#client, this.#addresses[await this.primary()]!);
        connection.close();
        return true;
      },
      this.startTimeoutMs,
    );
  }

  protected async findPrimary(): Promise<number | null> {
    for (const [node, address] of this.#addresses.entries()) {
      if (!this.isUp(node)) continue;
      const status = await this.#status(address).catch(() => null);
      if (status?.leader !== undefined && status.leader === status.header.member_id) return node;
    }
    return null;
  }

  async #status(address: string): Promise<Status> {
    const response = await fetch(`http://${address}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(askTimeoutMs),
    });
    return (await response.json()) as Status;
  }

  async ready(node: number): Promise<boolean> {
    const response = await fetch(`http://${this.#addresses[node]!}/health`, {
      signal: AbortSignal.timeout(askTimeoutMs),
    });
    const body = (await response.json()) as { health?: string };
    return body.health === 'true';
  }
}
