/**
 * Three nodes of ZooKeeper with the settings of its own example. The transaction log is synced, as it is by default.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePorts, until } from './children.ts';
import { connectTo } from './connect.ts';
import { GroupTarget } from './group-target.ts';
import { nodeCount } from './node-group.ts';
import { splitAddress } from './sockets.ts';
import { keyRoot } from './target.ts';
import type { ClientKind } from './target.ts';

const startTimeoutMs = 60_000;
const askTimeoutMs = 1_000;
/** Where Debian's package puts it. Its manifest names the libraries that it needs. */
export const defaultZooKeeperJar = '/usr/share/java/zookeeper.jar';
/** The heap for which ZooKeeper's own start script asks. */
const heap = '-Xmx1000m';

export class ZooKeeperTarget extends GroupTarget {
  readonly #jar: string;
  readonly #java: string;
  #addresses: readonly string[] = [];
  #version = '?';

  /** @throws an Error when Java or ZooKeeper is not installed. */
  constructor(directory: string, jar: string) {
    super('zookeeper', directory, startTimeoutMs);
    if (!existsSync(jar)) throw new Error(`there is no ${jar}`);
    this.#java = execFileSync('java', ['--version'], { encoding: 'utf8' }).split('\n')[0]!;
    this.#jar = jar;
  }

  describe(): string {
    return `ZooKeeper ${this.#version}, ${heap}, ${this.#java}, client by hand`;
  }

  clientKind(): ClientKind {
    return 'zookeeper';
  }

  addresses(): readonly string[] {
    return this.#addresses;
  }

  async start(): Promise<void> {
    const directories = this.group.makeDirectories();
    const ports = await freePorts(3 * nodeCount);
    const servers = Array.from(
      { length: nodeCount },
      (_, i) => `server.${i + 1}=127.0.0.1:${ports[3 * i]!}:${ports[3 * i + 1]!}`,
    );
    this.#addresses = Array.from({ length: nodeCount }, (_, i) => `127.0.0.1:${ports[3 * i + 2]!}`);
    this.group.start(
      directories.map((directory, node) => {
        const config = join(directory, 'zoo.cfg');
        const lines = [
          'tickTime=2000',
          'initLimit=10',
          'syncLimit=5',
          `dataDir=${directory}`,
          'clientPortAddress=127.0.0.1',
          `clientPort=${ports[3 * node + 2]!}`,
          'maxClientCnxns=0',
          '4lw.commands.whitelist=srvr',
          'admin.enableServer=false',
          ...servers,
        ];
        writeFileSync(config, `${lines.join('\n')}\n`);
        writeFileSync(join(directory, 'myid'), `${node + 1}\n`);
        return {
          program: 'java',
          args: [heap, '-cp', this.#jar, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', config],
        };
      }),
    );
    await until(
      'ZooKeeper to elect a leader',
      async () => {
        this.group.assertRunning();
        for (let node = 0; node < nodeCount; node++) if (!(await this.ready(node))) return false;
        return true;
      },
      this.startTimeoutMs,
      50,
    );
    this.#version = /version: ([^,\s-]+)/.exec(await this.#ask(0))?.[1] ?? '?';
    await until('ZooKeeper to take a write', () => this.#makeRoot(), this.startTimeoutMs);
  }

  async #makeRoot(): Promise<true> {
    const connection = await connectTo('zookeeper', this.#addresses[0]!);
    try {
      return await new Promise((resolve, reject) =>
        connection.create(keyRoot, new Uint8Array(0), (error) => (error === null ? resolve(true) : reject(error))),
      );
    } finally {
      connection.close();
    }
  }

  protected async findPrimary(): Promise<number | null> {
    for (let node = 0; node < nodeCount; node++) {
      if (!this.isUp(node)) continue;
      const answer = await this.#ask(node).catch(() => '');
      if (/^Mode: leader$/m.test(answer)) return node;
    }
    return null;
  }

  async ready(node: number): Promise<boolean> {
    return /^Mode: (leader|follower)$/m.test(await this.#ask(node));
  }

  /** ZooKeeper's four-letter command `srvr`: one line of request, some lines of answer, then the connection ends. */
  #ask(node: number): Promise<string> {
    const [host, port] = splitAddress(this.#addresses[node]!);
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect({ host, port });
      socket.setTimeout(askTimeoutMs, () => socket.destroy(new Error('ZooKeeper does not answer')));
      socket.setEncoding('utf8');
      socket.on('connect', () => socket.write('srvr'));
      socket.on('data', (text: string) => (answer += text));
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
    });
  }
}
