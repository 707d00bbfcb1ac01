/** The light load beside an attack, and how long its answers take. */

import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { namespaceName } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { bundleOfTest } from '../../stage/tools/bundles.ts';
import { beside } from '../../stage/tools/programs.ts';
import type { Beside } from '../../stage/tools/programs.ts';
import { comes } from '../../stage/tools/waiting.ts';
import type { LoadKind, LoadLine, LoadOptions } from './load-program.ts';

/** Of each kind, the answers are judged apart. */
const kinds = { put: true, get: true, watch: true } satisfies Record<LoadKind, true>;
const loadKinds = Object.keys(kinds) as readonly LoadKind[];
const perSecond = 10;
const callTimeoutMs = 10_000;
const settlingMs = 13_000;

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly failed: number;
  /** What failures said, each once. */
  readonly words: readonly string[];
}

export class Load {
  readonly #program: Beside;
  readonly #lines: Exclude<LoadLine, { kind: 'settled' }>[] = [];
  #read = 0;
  #settled = 0;

  private constructor(program: Beside) {
    this.#program = program;
  }

  static async start(stage: Stage, nodes: readonly NodeUnderTest[]): Promise<Load> {
    const apis = nodes.map(({ api }) => api);
    const options: LoadOptions = {
      urls: apis.map((own) => [own, ...apis.filter((api) => api !== own)]),
      namespace: namespaceName,
      perSecond,
      callTimeoutMs,
    };
    const program = await bundleOfTest('test/abuse/tools/load-program.ts');
    const load = new Load(beside(stage, process.execPath, [program, JSON.stringify(options)]));
    const begun = await comes(20_000, () => {
      load.#take();
      return Promise.resolve(load.#lines.length > 0);
    });
    if (!begun) throw new Error(`the light load does not begin: ${load.#program.stderr}`);
    return load;
  }

  /** Waits until everything that was due before `end` has been answered, or was given up. */
  async settle(stage: Stage, end: number): Promise<void> {
    const settled = await comes(settlingMs, () => {
      this.#take();
      return Promise.resolve(this.#settled >= end);
    });
    if (this.#program.stderr !== '') stage.fault(`the light load ended: ${this.#program.stderr.slice(0, 2000)}`);
    else if (!settled) stage.fault('the light load has calls that neither were done nor failed');
  }

  /** Of all answers of a kind that were due from `begin` to `end`. */
  latencies(kind: LoadKind, begin: number, end: number): Latencies {
    this.#take();
    const within = this.#lines.filter((line) => line.kind === kind && line.due >= begin && line.due < end);
    const failed = within.filter(({ words }) => words !== '');
    // One that failed has no answer, however soon it was told so.
    const times = within.map(({ ms, words }) => (words === '' ? ms : Math.max(ms, callTimeoutMs)));
    times.sort((a, b) => a - b);
    const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
    return {
      count: within.length,
      p50: at(0.5),
      p99: at(0.99),
      most: times.at(-1) ?? 0,
      failed: failed.length,
      words: [...new Map(failed.map(({ words }) => [words.replace(/\d+/g, 'N'), words])).values()],
    };
  }

  /** Of all kinds. */
  all(begin: number, end: number): ReadonlyMap<LoadKind, Latencies> {
    return new Map(loadKinds.map((kind) => [kind, this.latencies(kind, begin, end)]));
  }

  #take(): void {
    const { lines } = this.#program;
    for (; this.#read < lines.length; this.#read++) {
      const line = JSON.parse(lines[this.#read]!) as LoadLine;
      if (line.kind === 'settled') this.#settled = line.before;
      else this.#lines.push(line);
    }
  }
}
