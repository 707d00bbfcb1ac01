/**
 * Disks of their own for nodes. A file system in a file hangs when it is frozen: whoever writes waits, as with a disk
 * that no longer answers.
 */

import { existsSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterUnderTest, NodeUnderTest } from '../../integration/cluster-process.ts';
import { Unplayable, namespaceName } from '../../stage/stage.ts';
import type { Stage } from '../../stage/stage.ts';
import { beside } from '../../stage/tools/programs.ts';

const memory = '/dev/shm';

async function must(stage: Stage, command: string, ...args: readonly string[]): Promise<void> {
  const ran = beside(stage, command, args);
  if ((await ran.ended).status !== 0) throw new Unplayable(`${command} needs root and a kernel: ${ran.stderr.trim()}`);
}

function mountPoint(node: NodeUnderTest): string {
  return join(node.directory, 'disk');
}

async function mounted(stage: Stage, node: NodeUnderTest, ...how: readonly string[]): Promise<void> {
  const disk = mountPoint(node);
  mkdirSync(disk, { recursive: true });
  await must(stage, 'mount', ...how, disk);
  stage.atEnd(async () => {
    await beside(stage, 'fsfreeze', ['-u', disk]).ended;
    await node.kill();
    await beside(stage, 'umount', ['-l', disk]).ended;
  });
  mkdirSync(join(disk, 'data'));
  symlinkSync(join(disk, 'data'), node.dataDirectory);
}

/** Three nodes with a namespace, each on a file system that can be frozen. */
export async function layOnFreezable(stage: Stage, mebibytes: number): Promise<ClusterUnderTest> {
  const cluster = await stage.layOut(3);
  for (const node of cluster.nodes) await freezable(stage, node, mebibytes);
  await Promise.all(cluster.nodes.map((node) => node.start()));
  await cluster.found(namespaceName);
  return cluster;
}

/** The node's data goes to a file system that can be frozen. Before it starts. */
async function freezable(stage: Stage, node: NodeUnderTest, mebibytes: number): Promise<void> {
  // In memory where that is possible, so that only what is frozen is slow.
  const image = join(existsSync(memory) ? memory : node.directory, `haret-${process.pid}-${node.name}-image`);
  writeFileSync(image, '');
  truncateSync(image, mebibytes * 1024 * 1024);
  stage.atEnd(() => rmSync(image, { force: true }));
  await must(stage, 'mkfs.ext4', '-q', '-F', image);
  await mounted(stage, node, '-o', 'loop', image);
}

/** The node's data goes to a small disk in memory. Before it starts. */
export async function small(stage: Stage, node: NodeUnderTest, mebibytes: number): Promise<void> {
  await mounted(stage, node, '-t', 'tmpfs', '-o', `size=${mebibytes * 1024 * 1024}`, 'tmpfs');
}

/** Where something else writes on the same disk. */
export function ballastOf(node: NodeUnderTest): string {
  return join(mountPoint(node), 'ballast');
}

export async function freeze(stage: Stage, node: NodeUnderTest): Promise<void> {
  await must(stage, 'fsfreeze', '-f', mountPoint(node));
}

export async function thaw(stage: Stage, node: NodeUnderTest): Promise<void> {
  await must(stage, 'fsfreeze', '-u', mountPoint(node));
}
