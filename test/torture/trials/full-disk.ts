/** Small disks that are full. */

import { cpSync, lstatSync, mkdirSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytes } from '../../../browser-client/index.ts';
import type { Namespace } from '../../../browser-client/index.ts';
import type { NodeUnderTest } from '../../integration/cluster-process.ts';
import { namespaceName, Unplayable } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { Ledger } from '../../stage/tools/ledger.ts';
import { healthOf, recover, startAnyhow } from '../../stage/tools/nodes.ts';
import { beside } from '../../stage/tools/programs.ts';
import { comes } from '../../stage/tools/waiting.ts';
import type { Trial } from '../../stage/trial.ts';

const mebi = 1024 * 1024;
const diskBytes = 56 * mebi;
const enoughBytes = 160 * mebi;
const valueBytes = 60_000;
/** More than any checkpoint waits for. */
const shrinkingBytes = 24 * mebi;
const config = `segment_bytes = 1048576
max_body_bytes = 524288
max_batch_bytes = 524288
max_value_bytes = 100000
checkpoint_bytes = ${8 * mebi}
disk_reserve_bytes = ${6 * mebi}
`;

export const trial = {
  name: 'full-disk',
  sentence:
    'The disks of all nodes fill up until writes that add data are refused, checkpoints come due, something else takes the rest, and nodes start again: none ends, nothing is lost, and new room is used.',
  short: false,
  limitMs: 360_000,
  async play(stage) {
    const cluster = await stage.layOut(3, config);
    for (const node of cluster.nodes) await mount(stage, node);
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await cluster.found(namespaceName);
    stage.step(`3 nodes run, each on a disk of ${diskBytes / mebi} MiB`);
    const ledger = new Ledger(stage);
    const haret = await stage.client(cluster.nodes);
    const namespace = haret.namespace(namespaceName);
    await namespace.set('/s', bytes).create();
    const refusedEnough = 4;
    for (let refused = 0, asked = 0; refused < refusedEnough && asked < 2000; asked += 8) {
      refused += 8 - (await ledger.writeMany(namespace, 8, valueBytes));
    }
    stage.step(`${ledger.size} values of ${valueBytes} bytes were acknowledged until more were refused`);
    const low = [...stage.refusals].some((refusal) => refusal.startsWith('DiskLow (definite)'));
    stage.demand(low, 'writes that add data are refused with DiskLow');
    await shrink(stage, namespace, shrinkingBytes);
    await stage.judgeProcesses(cluster.nodes);

    stage.step('something else takes the rest of each disk, to the last 64 KiB');
    for (const node of cluster.nodes) {
      const { bavail, bsize } = statfsSync(node.dataDirectory);
      writeFileSync(ballast(node), new Uint8Array(Math.max(0, bavail * bsize - 64 * 1024)));
    }
    await shrink(stage, namespace, 4 * mebi);
    await stage.judgeProcesses(cluster.nodes);

    stage.step('all nodes are killed and started on their full disks');
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await startAnyhow(cluster.nodes);
    const ready = await comes(20_000, async () => {
      const all = await Promise.all(cluster.nodes.map((node) => node.http('/ready')));
      return all.every(({ status }) => status === 200);
    });
    stage.demand(ready, 'nodes start on a full disk and are ready');
    const health = await healthOf(cluster.node(0));
    stage.step(`dev1 says: ${health}`);
    stage.demand(health.includes('the disk of the data directory'), 'a node whose disk is full says so');
    // What was accepted before the log was full, and is on no majority yet, waits for room, and reads wait for it. None
    // of them may be wrong.
    await ledger.contradicted(cluster.nodes);

    stage.step('room is made');
    for (const node of cluster.nodes) {
      rmSync(ballast(node));
      await mountRun(stage, ['-o', `remount,size=${enoughBytes}`, join(node.directory, 'disk')]);
    }
    const grows = await comes(15_000, () => ledger.write(namespace, valueBytes, 4000));
    stage.demand(grows, 'new room is used');
    await ledger.writeMany(namespace, 40, valueBytes);
    await recover(stage, cluster.nodes, 40_000);
    await ledger.check(cluster.nodes);
    await stage.judgeProcesses(cluster.nodes);
  },
} as const satisfies Trial;

function ballast(node: NodeUnderTest): string {
  return join(node.directory, 'disk', 'ballast');
}

async function mountRun(stage: Stage, args: readonly string[]): Promise<void> {
  const mounting = beside(stage, 'mount', args);
  if ((await mounting.ended).status !== 0) throw new Unplayable(`mount needs root: ${mounting.stderr}`);
}

/** The data directory is a small disk of its own. Something else has a directory on the same disk. */
async function mount(stage: Stage, node: NodeUnderTest): Promise<void> {
  const disk = join(node.directory, 'disk');
  mkdirSync(disk, { recursive: true });
  await mountRun(stage, ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', disk]);
  stage.atEnd(async () => {
    await node.kill();
    try {
      // A failed story is kept with its files, and the disk goes. A socket cannot be copied.
      if (stage.faults.length > 0) {
        rmSync(node.dataDirectory);
        const filter = (file: string): boolean => !lstatSync(file).isSocket();
        cpSync(join(disk, 'data'), node.dataDirectory, { recursive: true, filter });
      }
    } finally {
      await beside(stage, 'umount', ['-l', disk]).ended;
    }
  });
  mkdirSync(join(disk, 'data'));
  symlinkSync(join(disk, 'data'), node.dataDirectory);
}

/**
 * Operations that free space are accepted however full the disk is. Here they remove what does not exist, so only the
 * log grows.
 */
async function shrink(stage: Stage, namespace: Namespace, total: number): Promise<void> {
  const set = namespace.set('/s', bytes);
  const member = new Uint8Array(valueBytes);
  let taken = 0;
  let refused = 0;
  for (let sent = 0; sent < total && refused < 8; sent += 8 * valueBytes) {
    const done = await Promise.allSettled(Array.from({ length: 8 }, () => set.remove(member, { timeoutMs: 5000 })));
    for (const one of done) {
      if (one.status === 'fulfilled') taken++;
      else {
        refused++;
        stage.refused(one.reason);
      }
    }
  }
  stage.step(`${taken} removals of ${valueBytes} bytes each were accepted, ${refused} refused`);
}
