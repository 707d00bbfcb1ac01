/** What the three targets share: three node processes, their directories, and how to start and end them. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FatalError, NodeProcess, makeTemporaryDirectory, removeTemporaryDirectory } from './children.ts';

export const nodeCount = 3;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

export class NodeGroup {
  readonly #name: string;
  readonly #parentDirectory: string;
  #directory: string | null = null;
  #commands: readonly Command[] = [];
  #nodes: (NodeProcess | null)[] = [];

  constructor(name: string, parentDirectory: string) {
    this.#name = name;
    this.#parentDirectory = parentDirectory;
  }

  /** Makes the directory of the group, with one directory in it for each node. */
  makeDirectories(): readonly string[] {
    const directory = makeTemporaryDirectory(this.#parentDirectory, this.#name);
    this.#directory = directory;
    return Array.from({ length: nodeCount }, (_, node) => {
      const own = join(directory, `node${node + 1}`);
      mkdirSync(own);
      return own;
    });
  }

  start(commands: readonly Command[]): void {
    this.#commands = commands;
    this.#nodes = commands.map(() => null);
    for (let node = 0; node < commands.length; node++) this.restart(node);
  }

  restart(node: number): void {
    const { program, args, environment } = this.#commands[node]!;
    const logFile = join(this.#directory!, `node${node + 1}.log`);
    this.#nodes[node] = new NodeProcess(program, args, logFile, environment);
  }

  pids(): readonly (number | null)[] {
    return this.#nodes.map((node) => node?.pid ?? null);
  }

  /** @throws {@link FatalError} with the end of a node's output when that node is not running. */
  assertRunning(): void {
    this.#nodes.forEach((node, index) => {
      try {
        node?.assertRunning(`${this.#name}'s node ${index + 1}`);
      } catch (error) {
        throw new FatalError((error as Error).message);
      }
    });
  }

  async kill(node: number): Promise<void> {
    await this.#nodes[node]?.end('SIGKILL');
    this.#nodes[node] = null;
  }

  signal(node: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#nodes[node]?.signal(signal);
  }

  /** With `gently`, the nodes may finish their writes before they end. */
  async stop(gently: boolean): Promise<void> {
    const nodes = this.#nodes.filter((node) => node !== null);
    await Promise.all(nodes.map((node) => node.end(gently ? 'SIGTERM' : 'SIGKILL')));
    this.#nodes = [];
    if (this.#directory !== null) removeTemporaryDirectory(this.#directory);
    this.#directory = null;
  }
}
