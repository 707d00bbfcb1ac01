/**
 * An attack: something that clients, disks or a starved machine do to three nodes under a light load. Here is what is
 * the same for all: the load, what is measured, and what must hold.
 */

import { loadavg } from 'node:os';
import type { ClusterUnderTest, NodeUnderTest } from '../integration/cluster-process.ts';
import { text } from '../../browser-client/index.ts';
import { namespaceName, shown } from '../stage/stage.ts';
import type { Stage } from '../stage/stage.ts';
import { comes, wait } from '../stage/tools/waiting.ts';
import type { Trial } from '../stage/trial.ts';
import { Load } from './tools/load.ts';
import type { Latencies } from './tools/load.ts';
import type { LoadKind } from './tools/load-program.ts';
import { Lookout, memoryOf } from './tools/lookout.ts';

/** The load is measured for so long before the attack, and for at least so long from when it begins. */
const calmMs = 3000;
const attackedMs = 5000;
/** During the attack, the load's p99 is within so many times what it was before, or within the floor. */
const times = 5;
const floorMs = 100;
const memoryMiB = 512;
/** A node that says nothing for so long is taken for dead by those who ask for its health. */
const deafMs = 2000;
/** A log that grows by more lines a second hides what matters in it. */
const linesPerSecond = 5;
const recoveryMs = 15_000;
const firstLookMs = 1500;

/** Where an attack takes place. */
export interface Field {
  readonly stage: Stage;
  readonly cluster: ClusterUnderTest;
  readonly nodes: readonly NodeUnderTest[];
  /** Undoes what the attack did, after the nodes were judged, so that it can be seen whether they recover. */
  readonly afterwards: (work: () => Promise<void> | void) => void;
  /** Looks at `cluster status`, when it is more telling than at the end. */
  readonly look: () => Promise<void>;
  /** The attack itself ends this node and starts it again, or lets it stand still. */
  readonly touches: (node: NodeUnderTest) => void;
}

export interface Attack {
  readonly name: string;
  readonly sentence: string;
  readonly short: boolean;
  readonly limitMs?: number;
  /** Lines for the configuration of each node. */
  readonly config?: string;
  /** What a node may take, if its data alone needs more than usual. */
  readonly memoryMiB?: number;
  /** A p99 below this is no fault. Only where the load is no matter of the attack is it more than usual. */
  readonly floorMs?: number;
  /** While a node is replaced by another, clients wait. For so long after the attack begins, the load is not judged. */
  readonly graceMs?: number;
  /** What an operator must see in `/health`, `cluster status` or the log. Null where there is nothing for him to do. */
  readonly clue: RegExp | null;
  /** The nodes, running as one cluster. */
  readonly lay?: (stage: Stage) => Promise<ClusterUnderTest>;
  /** What has to be there before the load is measured. */
  readonly prepare?: (field: Field) => Promise<void>;
  readonly attack: (field: Field) => Promise<void>;
  /** False where the machine has nothing left for the load. */
  readonly judgesLoad?: boolean;
  /** What must hold besides, once the attack is over and the nodes have recovered. */
  readonly after?: (field: Field) => Promise<void>;
}

/** Plays an attack, and judges what every node must stand. */
export function trialOf<const N extends string>(attack: Attack & { readonly name: N }): Trial & { readonly name: N } {
  const { name, sentence, short, limitMs = 120_000 } = attack;
  return { name, sentence, short, limitMs, play: (stage) => play(stage, attack) };
}

async function play(stage: Stage, attack: Attack): Promise<void> {
  const cluster = await (attack.lay?.(stage) ?? stage.cluster(3, attack.config));
  const { nodes } = cluster;
  const undo: (() => Promise<void> | void)[] = [];
  const touched = new Set<NodeUnderTest>();
  let lookout: Lookout | null = null;
  const field: Field = {
    stage,
    cluster,
    nodes,
    afterwards: (work) => undo.push(work),
    look: async () => lookout?.look(),
    touches: (node) => touched.add(node),
  };
  await attack.prepare?.(field);
  const load = await Load.start(stage, nodes);
  await wait(1000);
  const calm = Date.now();
  await wait(calmMs);
  const begin = Date.now();
  await load.settle(stage, begin);
  const before = load.all(calm, begin);
  stage.step(`the light load before: ${inWords(before)}; the machine's load is ${loadavg()[0]!.toFixed(1)}`);

  lookout = new Lookout(nodes);
  const pids = nodes.map(({ pid }) => pid);
  const began = Date.now();
  const looking = wait(firstLookMs).then(() => lookout.look());
  try {
    await attack.attack(field);
  } catch (error) {
    stage.fault(`the attack broke off: ${error instanceof Error ? error.message : String(error)}`);
  }
  await wait(Math.max(0, began + attackedMs - Date.now()));
  const end = Date.now();
  await looking;
  await lookout.look();
  const memories = nodes.map(memoryOf);
  await lookout.stop();
  for (const work of undo.reverse()) await work();
  stage.step(`the attack lasted ${((end - began) / 1000).toFixed(1)} s`);
  await load.settle(stage, end);

  nodes.forEach((node, i) => {
    if (touched.has(node) ? node.pid === null : node.pid !== pids[i])
      stage.fault(`the process of ${node.name} ended: ${shown(node.stderr.trim())}`);
  });
  judgeLoad(
    stage,
    attack.judgesLoad === false ? Infinity : (attack.floorMs ?? floorMs),
    before,
    load.all(began + (attack.graceMs ?? 0), end),
    load.all(began, end),
  );
  judgeMemory(stage, nodes, memories, attack.memoryMiB ?? memoryMiB);
  judgeSigns(stage, nodes, lookout, touched, (end - began) / 1000, attack.clue);
  stage.said.push(...lookout.report());
  await judgeRecovery(stage, nodes);
  await attack.after?.(field);
  await stage.judgeProcesses(nodes);
}

function judgeLoad(
  stage: Stage,
  floor: number,
  before: ReadonlyMap<LoadKind, Latencies>,
  judged: ReadonlyMap<LoadKind, Latencies>,
  whole: ReadonlyMap<LoadKind, Latencies>,
): void {
  stage.step(`the light load during: ${inWords(whole)}`);
  const worst = (of: ReadonlyMap<LoadKind, Latencies>): number => Math.max(...[...of.values()].map(({ p99 }) => p99));
  stage.figures['p99 before'] = worst(before).toFixed(0);
  stage.figures['p99 during'] = worst(whole).toFixed(0);
  if (floor === Infinity) return;
  for (const [kind, { p99, failed, words, count }] of judged) {
    const limit = Math.max(times * before.get(kind)!.p99, floor);
    stage.demand(
      p99 <= limit,
      `the light load's ${kind} has a p99 of ${p99.toFixed(0)} ms, ${before.get(kind)!.p99.toFixed(0)} ms before`,
    );
    if (failed > 0) stage.fault(`${failed} of ${count} of the light load (${kind}) failed: ${shown(words.join('; '))}`);
  }
}

function judgeMemory(
  stage: Stage,
  nodes: readonly NodeUnderTest[],
  memories: readonly ReturnType<typeof memoryOf>[],
  budget: number,
): void {
  const peaks = memories.map((memory) => memory?.peak ?? 0);
  stage.step(`memory at most: ${nodes.map(({ name }, i) => `${name} ${peaks[i]!.toFixed(0)} MiB`).join(', ')}`);
  stage.figures['peak MiB'] = Math.max(...peaks).toFixed(0);
  nodes.forEach(({ name }, i) => {
    stage.demand(peaks[i]! <= budget, `${name} took ${peaks[i]!.toFixed(0)} MiB of memory, ${budget} are allowed`);
  });
}

function judgeSigns(
  stage: Stage,
  nodes: readonly NodeUnderTest[],
  lookout: Lookout,
  touched: ReadonlySet<NodeUnderTest>,
  seconds: number,
  clue: RegExp | null,
): void {
  stage.figures['deaf ms'] = Math.max(...lookout.deaf).toFixed(0);
  nodes.forEach((node, i) => {
    const { name } = node;
    const deaf = lookout.deaf[i]!;
    if (!touched.has(node)) stage.demand(deaf <= deafMs, `${name} did not answer /health for ${deaf.toFixed(0)} ms`);
    const lines = lookout.logged()[i]!.length;
    stage.demand(
      lines <= 20 + linesPerSecond * seconds,
      `${name} has logged ${lines} lines in ${seconds.toFixed(0)} s`,
    );
  });
  if (clue !== null)
    stage.demand(clue.test(lookout.all), `nothing in status, health or log tells the operator: no ${String(clue)}`);
}

async function judgeRecovery(stage: Stage, nodes: readonly NodeUnderTest[]): Promise<void> {
  const began = Date.now();
  const ready = await comes(recoveryMs, async () => {
    const all = await Promise.all(nodes.map((node) => node.http('/ready')));
    return all.every(({ status }) => status === 200);
  });
  if (!ready) {
    for (const node of nodes) {
      const { body } = await node.http('/ready').catch((error: unknown) => ({ body: String(error) }));
      if (!body.includes('"ok":true')) stage.fault(`${node.name} is not ready afterwards: ${shown(body.trim())}`);
    }
  }
  try {
    const haret = await stage.client(nodes, { callTimeoutMs: recoveryMs, timeoutMs: recoveryMs });
    await haret.namespace(namespaceName).blob('/afterwards', text).put('x');
    stage.step(
      `${ready ? 'nodes are ready and write' : 'nodes write'} ${((Date.now() - began) / 1000).toFixed(1)} s after the attack`,
    );
    await haret.close();
  } catch (error) {
    stage.refused(error);
    stage.fault('nothing can be written after the attack');
  }
}

function inWords(all: ReadonlyMap<LoadKind, Latencies>): string {
  return [...all]
    .map(([kind, { count, p50, p99, most, failed }]) => {
      const times = [p50, p99, most].map((ms) => ms.toFixed(0)).join('/');
      return `${kind} ${times} ms (${count}${failed === 0 ? '' : `, ${failed} failed`})`;
    })
    .join(', ');
}
