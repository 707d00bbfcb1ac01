/** What all targets have in common: a group of three processes that can be killed and paused. One of them leads. */

import { until } from './children.ts';
import { NodeGroup } from './node-group.ts';
import type { ClientKind, Target } from './target.ts';

export abstract class GroupTarget implements Target {
  readonly name: string;
  protected readonly group: NodeGroup;
  protected readonly startTimeoutMs: number;

  constructor(name: string, directory: string, startTimeoutMs: number) {
    this.name = name;
    this.group = new NodeGroup(name, directory);
    this.startTimeoutMs = startTimeoutMs;
  }

  abstract describe(): string;
  abstract start(): Promise<void>;
  abstract clientKind(): ClientKind;
  abstract addresses(): readonly string[];
  abstract ready(node: number): Promise<boolean>;
  /** Asks the running nodes which node orders writes; null while none is known. */
  protected abstract findPrimary(): Promise<number | null>;

  async primary(): Promise<number> {
    const found = await until(
      `the primary of ${this.name}`,
      async () => {
        const node = await this.findPrimary();
        // The first node has number 0, which must not count as none.
        return node === null ? null : { node };
      },
      this.startTimeoutMs,
    );
    return found.node;
  }

  stop(): Promise<void> {
    return this.group.stop(false);
  }

  pids(): readonly (number | null)[] {
    return this.group.pids();
  }

  /** False after the bench has killed a node, until it starts the node again. */
  protected isUp(node: number): boolean {
    return this.pids()[node] !== null;
  }

  kill(node: number): Promise<void> {
    return this.group.kill(node);
  }

  signal(node: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.group.signal(node, signal);
  }

  restart(node: number): void {
    this.group.restart(node);
  }
}
