/**
 * What an operator sees of nodes while something goes on: `/health`, `cluster status` and the log, and nothing else. It
 * also notes how long each node does not answer, and how much memory it takes.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { run } from '../../integration/programs.ts';
import { shown } from '../../stage/stage.ts';

const everyMs = 200;
const healthLimitMs = 10_000;
const mebi = 1024;
const shownLines = 6;

export class Lookout {
  readonly #nodes: readonly NodeUnderTest[];
  readonly #from: readonly number[];
  readonly #healths: Set<string>[];
  readonly #statuses = new Set<string>();
  /** The longest time in which a node did not answer, of each node. */
  readonly deaf: number[];
  #over = false;
  readonly #running: Promise<unknown>;

  constructor(nodes: readonly NodeUnderTest[]) {
    this.#nodes = nodes;
    this.#from = nodes.map(({ log }) => log.length);
    this.#healths = nodes.map(() => new Set());
    this.deaf = nodes.map(() => 0);
    for (const { pid } of nodes) if (pid !== null) forgetPeak(pid);
    this.#running = Promise.all(nodes.map((node, i) => this.#ask(node, i)));
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#running;
  }

  /** Looks at `cluster status`, as a person does who asks one node after the other until one answers. */
  async look(): Promise<void> {
    for (const node of this.#nodes) {
      if (node.pid === null) continue;
      const ran = await run('haret-admin', [node.admin, '-e', 'cluster status'], { timeoutMs: 4000 });
      this.#statuses.add(`asked at ${node.name}: ${(ran.stdout + ran.stderr).trim() || 'no answer'}`);
      if (ran.status === 0) return;
    }
  }

  /** Lines of the logs since this began. */
  logged(): readonly (readonly string[])[] {
    return this.#nodes.map(({ log }, i) => log.slice(this.#from[i]));
  }

  /** Everything that was seen. */
  get all(): string {
    return [...this.#healths.flatMap((bodies) => [...bodies]), ...this.#statuses, ...this.logged().flat()].join('\n');
  }

  /** The same in a few lines. */
  report(): string[] {
    const lines: string[] = [];
    for (const status of this.#statuses) lines.push(...status.split('\n').map((line) => `status  ${shown(line)}`));
    this.#nodes.forEach(({ name }, i) => {
      for (const body of this.#healths[i]!) lines.push(`health  ${name}: ${shown(body)}`);
    });
    this.logged().forEach((log, i) => {
      const { name } = this.#nodes[i]!;
      const kinds = new Map<string, { readonly text: string; times: number }>();
      for (const line of log) {
        const text = wordsOf(line);
        const kind = text.replace(/\d+/g, 'N');
        const known = kinds.get(kind);
        if (known === undefined) kinds.set(kind, { text, times: 1 });
        else known.times++;
      }
      if (log.length > 0) lines.push(`log     ${name}: ${log.length} lines`);
      for (const { text, times } of [...kinds.values()].slice(0, shownLines))
        lines.push(`        ${times} x ${shown(text)}`);
      if (kinds.size > shownLines) lines.push(`        and ${kinds.size - shownLines} more kinds`);
    });
    return lines;
  }

  async #ask(node: NodeUnderTest, index: number): Promise<void> {
    while (!this.#over) {
      const began = performance.now();
      const health = await node
        .http('/health', { signal: AbortSignal.timeout(healthLimitMs) })
        .catch((error: unknown) => ({ status: 0, body: node.pid === null ? 'ended' : `no answer (${String(error)})` }));
      this.deaf[index] = Math.max(this.deaf[index]!, performance.now() - began);
      if (health.body !== '{"ok":true,"problems":[]}\n') {
        this.#healths[index]!.add(`${health.status} ${health.body.trim()}`.replace(/\d{4,}/g, 'N'));
      }
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}

/** A line of the log without what each line has. */
function wordsOf(line: string): string {
  try {
    const { level, time: _time, self: _self, message, ...rest } = JSON.parse(line) as Record<string, unknown>;
    return `${String(level)} ${String(message)} ${JSON.stringify(rest)}`;
  } catch {
    return line;
  }
}

function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Without root, the peak is that of the process's whole life.
  }
}

/** Resident memory in MiB: now, and at most since the lookout began. Null when the process is gone. */
export function memoryOf({ pid }: NodeUnderTest): { readonly now: number; readonly peak: number } | null {
  if (pid === null) return null;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const of = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / mebi;
    return { now: of('VmRSS'), peak: of('VmHWM') };
  } catch {
    return null;
  }
}
