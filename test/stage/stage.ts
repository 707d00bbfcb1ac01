/**
 * Where a trial is played: a directory of its own, the nodes that are started in it, and a record of what was done,
 * acknowledged, found and refused. Whatever a trial starts (processes, mounts, proxies) ends with it, however it ends.
 */

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { connect } from '../../browser-client/index.ts';
import type { ConnectOptions, Haret } from '../../browser-client/index.ts';
import { HaretError } from '../../core/base/errors.ts';
import { ClusterUnderTest } from '../integration/cluster-process.ts';
import type { NodeUnderTest } from '../integration/cluster-process.ts';
import { within } from './tools/waiting.ts';
import type { Trial, Verdict } from './trial.ts';

export const namespaceName = 'test-ns';

/** A trial throws this when it needs something that this machine does not have. */
export class Unplayable extends Error {
  override readonly name = 'Unplayable';
}

export interface Teller {
  tell(line: string): void;
}

const maxShown = 240;

export class Stage {
  readonly directory: string;
  readonly steps: string[] = [];
  readonly faults: string[] = [];
  readonly #refusals = new Map<string, string>();
  /** For the table of the run, by the name of the column. */
  readonly figures: Record<string, string> = {};
  /** What nodes told their operators, line by line. */
  readonly said: string[] = [];
  acknowledged = 0;
  present = 0;
  readonly #teller: Teller;
  readonly #began = performance.now();
  readonly #seed: number;
  #drawn: number;
  #over = false;
  readonly #nodes: NodeUnderTest[] = [];
  readonly #clusters: ClusterUnderTest[] = [];
  readonly #endings: (() => Promise<void> | void)[] = [];

  constructor(name: string, seed: number, teller: Teller) {
    this.directory = mkdtempSync(join(tmpdir(), `haret-trial-${name}-`));
    this.#seed = seed;
    this.#drawn = seed;
    this.#teller = teller;
  }

  get seed(): number {
    return this.#seed;
  }

  /** The next number below `limit` that the seed gives. */
  below(limit: number): number {
    // A linear congruence is good enough to choose places.
    this.#drawn = (Math.imul(this.#drawn, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#drawn / 0x1_0000_0000) * limit);
  }

  /** Tells what is done next. @throws when the trial is over, so that what is left of it ends there. */
  step(text: string): void {
    if (this.#over) throw new Error('the trial is over');
    const line = `${((performance.now() - this.#began) / 1000).toFixed(1).padStart(6)} s  ${text}`;
    this.steps.push(line);
    this.#teller.tell(line);
  }

  /** Something does not hold. The trial goes on, so that other failures are reported as well. */
  fault(text: string): void {
    this.faults.push(text);
    this.step(`FAULT: ${text}`);
  }

  failedAside(text: string): void {
    if (!this.#over) this.fault(`something that was begun failed: ${shown(text)}`);
  }

  demand(holds: boolean, text: string): void {
    if (!holds) this.fault(text);
  }

  /** What refusals said. If some differ only in numbers, the first of them. */
  get refusals(): readonly string[] {
    return [...this.#refusals.values()];
  }

  noteRefusal(words: string): void {
    const plain = shown(words.trim());
    const kind = plain.replace(/\d+/g, 'N');
    if (!this.#refusals.has(kind)) this.#refusals.set(kind, plain);
  }

  /** Notes what a refusal said. */
  refused(error: unknown): HaretError | null {
    if (error instanceof HaretError) {
      this.noteRefusal(`${error.code} (${error.outcome}): ${error.message}`);
      return error;
    }
    this.noteRefusal(error instanceof Error ? error.message : String(error));
    return null;
  }

  /** What to do when the trial is over. The last one is done first. */
  atEnd(work: () => Promise<void> | void): void {
    this.#endings.push(work);
  }

  /** Lays out nodes, and starts none. */
  async layOut(count: number, config = ''): Promise<ClusterUnderTest> {
    const cluster = await ClusterUnderTest.layOut(count, config);
    this.#clusters.push(cluster);
    this.#nodes.push(...cluster.nodes);
    return cluster;
  }

  /** Nodes that run as one cluster, with {@link namespaceName} on the first three of them, or all on the only one. */
  async cluster(count: number, config = ''): Promise<ClusterUnderTest> {
    const cluster = await this.layOut(count, config);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await cluster.found(namespaceName);
    this.step(`${count} nodes run: ${cluster.nodes.map(({ name, api }) => `${name} ${api}`).join(', ')}`);
    return cluster;
  }

  /** A client of the package that closes with the trial. */
  async client(nodes: readonly NodeUnderTest[], options: Partial<ConnectOptions> = {}): Promise<Haret> {
    const haret = await connect({
      urls: nodes.map(({ api }) => api),
      callTimeoutMs: 20_000,
      timeoutMs: 30_000,
      ...options,
    });
    this.atEnd(() => haret.close());
    return haret;
  }

  /** Every process that should run does run. None says that a bug stopped it, or was stopped by one before. */
  async judgeProcesses(nodes: readonly NodeUnderTest[]): Promise<void> {
    for (const node of nodes) {
      if (node.pid === null) {
        this.fault(`the process of ${node.name} ended: ${shown(node.stderr.trim())}`);
        continue;
      }
      const bug = node.log.find((line) => line.includes('because of a bug') || line.includes('invariant'));
      if (bug !== undefined) this.fault(`${node.name} logged a broken invariant: ${shown(bug)}`);
      const { body } = await node.http('/health').catch((error: unknown) => ({ body: String(error) }));
      if (body.includes('because of a bug')) this.fault(`${node.name} says: ${shown(body)}`);
    }
  }

  async end(): Promise<void> {
    this.#over = true;
    for (const work of this.#endings.splice(0).reverse()) {
      try {
        await within('the end of a trial', 10_000, Promise.resolve(work()));
      } catch (error) {
        this.faults.push(`cannot clean up: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    await Promise.all(this.#nodes.map((node) => node.kill()));
  }

  /** Keeps data, logs and the story of a failed trial. */
  keep(): string {
    for (const node of this.#nodes)
      writeFileSync(join(node.directory, 'log'), `${node.log.join('\n')}\n${node.stderr}`);
    for (const { root } of this.#clusters) renameSync(root, join(this.directory, basename(root)));
    writeFileSync(join(this.directory, 'story'), `${this.steps.join('\n')}\n`);
    return this.directory;
  }

  async clear(): Promise<void> {
    await Promise.all(this.#clusters.map((cluster) => cluster.close()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function shown(text: string): string {
  // What goes to a terminal is made harmless, because some of it comes from what is under test.
  const plain = text.replace(/[^\x20-\x7e]/g, (letter) => `\\u${letter.codePointAt(0)!.toString(16).padStart(4, '0')}`);
  return plain.length > maxShown ? `${plain.slice(0, maxShown)}...` : plain;
}

let onStage: Stage | null = null;

/** Ends everything that the current trial has started, for a run that is broken off. */
export async function breakOff(): Promise<void> {
  await onStage?.end();
}

/**
 * Something failed for which nobody waits (yet). It counts against the trial that is being played, and not against those
 * after it. What fails because its trial is over is no news.
 */
export function failedAside(reason: unknown): void {
  onStage?.failedAside(reason instanceof Error ? reason.message : String(reason));
}

/** Plays one trial to its verdict. */
export async function play(trial: Trial, seed: number, teller: Teller): Promise<Verdict> {
  const began = performance.now();
  const stage = new Stage(trial.name, seed, teller);
  onStage = stage;
  let skipped: string | null = null;
  try {
    await within(`the trial ${trial.name}`, trial.limitMs, trial.play(stage));
  } catch (error) {
    if (error instanceof Unplayable) skipped = error.message;
    else if (error instanceof HaretError) stage.fault(`${error.code} (${error.outcome}): ${shown(error.message)}`);
    else stage.fault(error instanceof Error ? shown(error.message) : String(error));
  }
  await stage.end();
  const passed = stage.faults.length === 0;
  const kept = passed ? null : stage.keep();
  if (passed) await stage.clear();
  return {
    name: trial.name,
    sentence: trial.sentence,
    passed,
    seconds: (performance.now() - began) / 1000,
    acknowledged: stage.acknowledged,
    present: stage.present,
    figures: stage.figures,
    said: stage.said,
    refusals: stage.refusals,
    faults: stage.faults,
    skipped,
    kept,
    steps: stage.steps,
  };
}
