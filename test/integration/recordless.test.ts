/** With real files: a node whose log has lost every copy of the node's record, while replicas are still in it (V29). */

import { closeSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryDisk } from '../../core/store/memory-disk.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { loseRecord } from '../cluster/recordless.ts';
import { ClusterUnderTest, eventually } from './cluster-process.ts';
import { run } from './programs.ts';

const segmentBytes = 1024 * 1024;

let cluster: ClusterUnderTest;

beforeAll(async () => {
  const small = 'max_body_bytes = 524288\nmax_batch_bytes = 524288\nmax_value_bytes = 100000\n';
  cluster = await ClusterUnderTest.start(3, 'test-ns', `segment_bytes = ${segmentBytes}\n${small}`);
});

afterAll(async () => {
  await cluster.close();
});

/** What a store keeps of a log. */
function filesOf(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith('log-') || name === 'store' || name === 'floor');
}

/** A copy of the files in memory. */
function copyOf(directory: string): MemoryDisk {
  const disk = new MemoryDisk({ schedule: (_latency, complete) => complete() });
  for (const name of filesOf(directory)) {
    const bytes = readFileSync(join(directory, name));
    disk.create(name, bytes.length, () => undefined);
    disk.write(name, 0, [new Uint8Array(bytes)], true, () => undefined);
  }
  return disk;
}

it('says that replicas are there, serves nobody, and leaves its log as it is', async () => {
  const dev3 = cluster.node(2);
  const directory = dev3.dataDirectory;
  const script = Array.from({ length: 20 }, (_, i) => `create blob /b${i} --value b`).join('\n');
  const ran = await run('haret-cli-client', [dev3.api, '--ns', 'test-ns'], { input: script });
  expect(ran).toMatchObject({ status: 0 });
  await dev3.kill();
  for (const { file, offset, end } of loseRecord(copyOf(directory), { hash: new NodeHash(), segmentBytes })) {
    const handle = openSync(join(directory, file), 'r+');
    writeSync(handle, new Uint8Array(end - offset).fill(0xa5), 0, end - offset, offset);
    closeSync(handle);
  }
  const logOf = (): readonly Buffer[] => filesOf(directory).map((name) => readFileSync(join(directory, name)));
  const before = logOf();
  const from = dev3.log.length;
  dev3.launch();
  const words = 'the log of this node no longer says to which cluster the node belongs';
  expect(await dev3.untilLogged(words, from)).toContain('"level":"error"');
  const health = await eventually('health', async () => {
    const { status, body } = await dev3.http('/health');
    return status === 200 && body.includes(words) ? body : null;
  });
  expect(health).toMatch(/and \d+ replicas? with them/);
  expect((await dev3.http('/ready')).status).toBe(503);
  expect((await dev3.adminRun('cluster status')).stdout).toContain('emptied');
  const joined = await cluster.node(0).adminRun(`cluster join dev3@${dev3.cluster}`);
  expect(joined.status).not.toBe(0);
  await dev3.kill();
  expect(logOf()).toEqual(before);
});
