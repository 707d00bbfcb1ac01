/** The machine has hardly any processor time left for many groups. */

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { Unplayable } from '../../stage/stage.ts';
import { comes, wait } from '../../stage/tools/waiting.ts';
import { trialOf } from '../attack.ts';

const groups = 100;
const periodUs = 100_000;
/** The nodes get this part of what they take when nothing happens. */
const share = 0.7;
const startledMs = 2500;
const settlingMs = 15_000;
const hertz = 100;

/** Seconds of processor time that the processes have taken. */
function processorOf(nodes: readonly NodeUnderTest[]): number {
  let ticks = 0;
  for (const { pid } of nodes) {
    const fields = readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
      .split(') ')[1]!
      .split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / hertz;
}

/** A group of processes that together get a part of one processor. Version 1 and 2 of control groups differ. */
function makeGroup(name: string): { readonly directory: string; limit: (quotaUs: number) => void } {
  for (const root of ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup']) {
    const directory = join(root, name);
    try {
      mkdirSync(directory);
      const first = root.endsWith('cpu');
      const limit = (quotaUs: number): void =>
        first
          ? writeFileSync(join(directory, 'cpu.cfs_quota_us'), String(quotaUs))
          : writeFileSync(join(directory, 'cpu.max'), `${quotaUs < 0 ? 'max' : quotaUs} ${periodUs}`);
      limit(-1);
      return { directory, limit };
    } catch {
      // The other version, or not root.
    }
  }
  throw new Unplayable('a control group for processor time needs root');
}

/** The sum of all views on a node: it grows with each election. */
async function viewsOf(node: NodeUnderTest): Promise<number> {
  const { body } = await node.http('/metrics', { signal: AbortSignal.timeout(20_000) });
  let sum = 0;
  for (const match of body.matchAll(/^haret_replica_view\{[^}]*\} (\d+)$/gm)) sum += Number(match[1]);
  return sum;
}

export const trial = trialOf({
  name: 'starved',
  sentence: `${groups} groups get less processor time than they take when nothing happens, and then all nodes stand still for ${startledMs} ms: the elections end, and the nodes say what they lack.`,
  short: false,
  judgesLoad: false,
  limitMs: 200_000,
  clue: /overload|starv|processor|too slow|late/i,
  async prepare({ stage, nodes }) {
    const commands = Array.from({ length: groups }, (_, g) => {
      const places = nodes.map((_, i) => nodes[(g + i) % nodes.length]!);
      return `vr create namespace g${g} ${places.map((node, i) => `r${i + 1}::${node.name}@${node.cluster}`).join(',')}`;
    });
    for (let at = 0; at < commands.length; at += 50) {
      const { status, stderr } = await nodes[0]!.adminRun(...commands.slice(at, at + 50));
      if (status !== 0) throw new Error(stderr);
    }
    const ready = await comes(30_000, async () => {
      const all = await Promise.all(nodes.map((node) => node.http('/ready')));
      return all.every(({ status }) => status === 200);
    });
    stage.step(`${groups} groups ${ready ? 'are ready' : 'are NOT ready'}`);
  },
  async attack({ stage, nodes, touches, afterwards }) {
    const calmFrom = processorOf(nodes);
    await wait(3000);
    const calm = (processorOf(nodes) - calmFrom) / 3;
    const { directory, limit } = makeGroup(`haret-${process.pid}`);
    stage.atEnd(async () => {
      for (const node of nodes) await node.kill();
      rmdirSync(directory);
    });
    for (const { pid } of nodes) writeFileSync(join(directory, 'cgroup.procs'), String(pid));
    limit(Math.round(calm * share * periodUs));
    stage.step(
      `the nodes take ${(calm * 100).toFixed(0)} % of a processor and get ${(calm * share * 100).toFixed(0)} %`,
    );
    afterwards(() => limit(-1));
    for (const node of nodes) {
      touches(node);
      node.pause();
    }
    await wait(startledMs);
    for (const node of nodes) node.resume();
    const sum = async (): Promise<number> => {
      const all = await Promise.all(nodes.map((node) => viewsOf(node).catch(() => Number.NaN)));
      return all.reduce((a, b) => a + b, 0);
    };
    await wait(settlingMs);
    const then = await sum();
    await wait(5000);
    const now = await sum();
    stage.step(`the sum of all views is ${then} after ${settlingMs / 1000} s, ${now} after five more`);
    stage.demand(now === then, `${now - then} elections in five seconds: the groups do not settle`);
    const used = processorOf(nodes);
    await wait(1000);
    stage.step(`the nodes take ${((processorOf(nodes) - used) * 100).toFixed(0)} % of a processor`);
  },
});
