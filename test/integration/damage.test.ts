/**
 * A node whose files were damaged while it was off, as its operator sees it: what the log, `/health` and the exit say.
 * Nothing acknowledged is lost while the others have it (protocol §2). An unreadable sector needs a broken disk, so
 * test/cluster tests it.
 */

import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secretFile } from '../../core/cluster/peers/secret.ts';
import { ClusterUnderTest, eventually } from './cluster-process.ts';
import type { NodeUnderTest } from './cluster-process.ts';
import { run } from './programs.ts';
import type { Ran } from './programs.ts';

const writes = 400;
const filler = 'x'.repeat(3000);
const smallSegments = `segment_bytes = 1048576
max_body_bytes = 524288
max_batch_bytes = 524288
max_value_bytes = 100000
`;

let cluster: ClusterUnderTest;

beforeAll(async () => {
  cluster = await ClusterUnderTest.start(3, 'test-ns', smallSegments);
  const script = Array.from({ length: writes }, (_, i) => `create blob /b${i} --value ${valueAt(i)}`).join('\n');
  expect(await client(cluster.node(0), [], script)).toMatchObject({ status: 0, stderr: '' });
});

afterAll(async () => {
  await cluster.close();
});

function valueAt(index: number): string {
  return `needle${String(index).padStart(4, '0')}${filler}`;
}

async function client(node: NodeUnderTest, args: readonly string[], input = ''): Promise<Ran> {
  return run('haret-cli-client', [node.api, '--ns', 'test-ns', '--timeout', '10s', ...args], { input });
}

function segments(node: NodeUnderTest): string[] {
  return readdirSync(node.dataDirectory)
    .filter((name) => name.startsWith('log-'))
    .sort()
    .map((name) => join(node.dataDirectory, name));
}

/** Kills a node, damages its files, and starts it again. Returns the lines that it then logs until it is ready. */
async function damaged(node: NodeUnderTest, damage: () => void): Promise<string> {
  await node.kill();
  damage();
  const from = node.log.length;
  await node.start();
  await node.untilHttp('/ready');
  return node.log.slice(from).join('\n');
}

/** Checks that the node itself has everything that was written, and is healthy. */
async function isWhole(node: NodeUnderTest): Promise<void> {
  await eventually('being whole', async () => {
    const { status, body } = await node.http('/health');
    return status === 200 && body === '{"ok":true,"problems":[]}\n' ? true : null;
  });
  const script = Array.from({ length: writes }, (_, i) => `blob get /b${i}`).join('\n');
  await eventually('having caught up', async () => {
    const { stdout } = await client(node, ['--read', 'local'], script);
    const values = stdout.split('\n').filter((line) => line.startsWith('needle'));
    return values.length === writes && values.every((value, i) => value === valueAt(i)) ? true : null;
  });
}

describe('a damaged log of one of three nodes', () => {
  it('with a flipped byte in the middle is repaired from the others', async () => {
    const dev3 = cluster.node(2);
    const log = await damaged(dev3, () => {
      let flipped = 0;
      for (const file of segments(dev3)) {
        const bytes = readFileSync(file);
        const at = bytes.indexOf('needle0200');
        if (at < 0) continue;
        bytes[at] = bytes[at]! ^ 0xff;
        writeFileSync(file, bytes);
        flipped++;
      }
      expect(flipped).toBeGreaterThan(0);
    });
    expect(log).toContain(
      '"a batch of the log is damaged; what it held is known by name and is fetched from the other nodes"',
    );
    await isWhole(dev3);
  });

  it('with a missing segment, and then without its last one, catches up from the others before it votes', async () => {
    const dev3 = cluster.node(2);
    const [, second] = segments(dev3);
    const missing = await damaged(dev3, () => rmSync(second!));
    expect(missing).toContain('"a segment of the log is missing: ');
    expect(missing).toContain('catches up from the other nodes before it votes again');
    await isWhole(dev3);
    // The newest segment was made in advance. The last written one is below it.
    const last = await damaged(dev3, () => rmSync(segments(dev3).findLast((file) => readFileSync(file)[0] !== 0)!));
    expect(last).toMatch(/segments? of the log (is|are) missing/);
    await isWhole(dev3);
  });

  it('with a tail that was cut off does the same', async () => {
    const dev2 = cluster.node(1);
    const written = (): string => segments(dev2).findLast((file) => readFileSync(file)[0] !== 0)!;
    const log = await damaged(dev2, () => truncateSync(written(), 20_000));
    expect(log).toContain('"a segment of the log is shorter than it was made: somebody or something cut it"');
    await isWhole(dev2);
  });

  it('leaves every later write on all three nodes', async () => {
    expect(await client(cluster.node(0), ['-e', 'create blob /since --value here'])).toMatchObject({ status: 0 });
    for (const node of cluster.nodes) {
      await eventually('the write', async () =>
        (await client(node, ['--read', 'local', '-e', 'blob get /since'])).stdout.startsWith('here') ? true : null,
      );
    }
  });
});

describe('a data directory that cannot be used', () => {
  it('without its file "store" is refused in one line that says what to do', async () => {
    const dev2 = cluster.node(1);
    await dev2.kill();
    const file = join(dev2.dataDirectory, 'store');
    renameSync(file, `${dev2.directory}/store`);
    dev2.launch();
    expect(await dev2.ended()).toEqual({ status: 1, signal: null });
    expect(dev2.stderr).toBe(
      'haret: the data directory has a log but its file "store" is missing: put it back, or empty the directory, ' +
        'give this node another node_name, and join it\n',
    );
    renameSync(`${dev2.directory}/store`, file);
    await dev2.start();
    await isWhole(dev2);
  });

  it('of another node is refused in one line that says whose it is', async () => {
    const dev3 = cluster.node(2);
    await dev3.stop();
    const config = readFileSync(dev3.configFile, 'utf8');
    writeFileSync(dev3.configFile, config.replace('node_name = "dev3"', 'node_name = "dev4"'));
    dev3.launch();
    expect(await dev3.ended()).toEqual({ status: 1, signal: null });
    expect(dev3.stderr).toBe(
      'haret: the data directory belongs to node dev3, and this node is configured as dev4: correct node_name or data_dir\n',
    );
    writeFileSync(dev3.configFile, config);
    await dev3.start();
    await isWhole(dev3);
  });
});

describe('a node whose data directory was emptied', () => {
  it('is a stranger: it says so and serves no client, and the others continue', async () => {
    const [dev1, , dev3] = cluster.nodes;
    await dev3!.kill();
    renameSync(dev3!.dataDirectory, `${dev3!.directory}/old`);
    dev3!.launch();
    const words = 'knows this node with another data directory: the one it has was emptied or replaced.';
    const from = dev3!.log.length;
    expect(await dev3!.untilLogged(words, from)).toContain('"level":"error"');
    const health = await eventually('health', async () => {
      const { status, body } = await dev3!.http('/health');
      return status === 200 && body.includes(words) ? body : null;
    });
    expect(health).toContain(words);
    expect((await dev3!.http('/ready')).status).toBe(503);
    const astray = await run('haret-cli-client', [dev3!.api, '--ns', 'test-ns', '--timeout', '1s', '-e', 'ls']);
    expect(astray.status).not.toBe(0);
    expect(astray.stderr).toContain(words);
    const founder = await dev3!.adminRun(`vr create namespace mine r1::dev3@${dev3!.cluster} --allow-small`);
    expect(founder.status).not.toBe(0);
    expect(founder.stderr + founder.stdout).toContain(words);
    const joined = await dev1!.adminRun(`cluster join dev3@${dev3!.cluster}`);
    expect(joined.status).not.toBe(0);
    expect(joined.stderr + joined.stdout).toContain("cannot prove the cluster's secret");

    expect(await client(dev1!, ['-e', 'create blob /without --value dev3'])).toMatchObject({ status: 0 });
    const seen = await eventually('the others know', async () => {
      const { status, body } = await dev1!.http('/health');
      expect(status).toBe(200);
      return body.includes('dev3') ? body : null;
    });
    // It lost its secret with its directory, so the others only report that a program answers there.
    expect(seen).toContain("cannot prove the cluster's secret and says that it is node dev3 with an emptied or other");
    expect(seen).not.toContain('has another data directory');
  });

  it('belongs to the cluster again with its old data directory', async () => {
    const [dev1, , dev3] = cluster.nodes;
    await dev3!.kill();
    rmSync(dev3!.dataDirectory, { recursive: true });
    renameSync(`${dev3!.directory}/old`, dev3!.dataDirectory);
    await dev3!.start();
    await dev3!.untilHttp('/ready');
    await isWhole(dev3!);
    await eventually('the others know', async () =>
      (await dev1!.http('/health')).body === '{"ok":true,"problems":[]}\n' ? true : null,
    );
  });
});

describe('V29: a node whose log was removed, and whose file "store" is left', () => {
  it('says so, serves no client, is not joined again as it was, and continues when its log is put back', async () => {
    const [dev1, , dev3] = cluster.nodes;
    await dev3!.kill();
    const aside = `${dev3!.directory}/aside`;
    mkdirSync(aside);
    for (const file of segments(dev3!)) renameSync(file, join(aside, basename(file)));
    const from = dev3!.log.length;
    dev3!.launch();
    const words = 'the log of this node is gone from its data directory, and only its identity is left';
    expect(await dev3!.untilLogged(words, from)).toContain('"level":"error"');
    const health = await eventually('health', async () => {
      const { status, body } = await dev3!.http('/health');
      return status === 200 && body.includes(words) ? body : null;
    });
    expect(health).toContain(words);
    expect((await dev3!.http('/ready')).status).toBe(503);
    const astray = await run('haret-cli-client', [dev3!.api, '--ns', 'test-ns', '--timeout', '1s', '-e', 'ls']);
    expect(astray.status).not.toBe(0);
    expect(astray.stderr).not.toContain('Unknown namespace');
    const joined = await dev1!.adminRun(`cluster join dev3@${dev3!.cluster}`);
    expect(joined.status).not.toBe(0);
    expect(joined.stderr + joined.stdout).toContain('give the node another node_name, and join it under that name');
    expect((await dev3!.adminRun('cluster status')).stdout).toContain('emptied');
    await eventually('the others know', async () =>
      (await dev1!.http('/health')).body.includes('node dev3 is of this cluster and has lost its log') ? true : null,
    );
    expect(await client(dev1!, ['-e', 'create blob /without-log --value dev3'])).toMatchObject({ status: 0 });

    await dev3!.kill();
    expect(segments(dev3!)).toEqual([]);
    for (const name of readdirSync(aside)) renameSync(join(aside, name), join(dev3!.dataDirectory, name));
    await dev3!.start();
    await dev3!.untilHttp('/ready');
    await isWhole(dev3!);
  });
});

describe('a node of another cluster', () => {
  it('is not taken in, and an error says what to do', async () => {
    const foreign = await ClusterUnderTest.start(1, 'other');
    try {
      const [theirs] = foreign.nodes;
      const [dev1] = cluster.nodes;
      const mistaken = await dev1!.adminRun(`cluster join dev1@${theirs!.cluster}`);
      expect(mistaken.status).not.toBe(0);
      await theirs!.stop();
      writeFileSync(
        theirs!.configFile,
        readFileSync(theirs!.configFile, 'utf8').replace('node_name = "dev1"', 'node_name = "dev9"'),
      );
      rmSync(theirs!.dataDirectory, { recursive: true });
      await theirs!.start();
      expect(
        await theirs!.adminRun(`vr create namespace theirs r1::dev9@${theirs!.cluster} --allow-small`),
      ).toMatchObject({ status: 0 });
      // Each cluster has drawn its own secret, and no node believes a message without it.
      const unknown = await dev1!.adminRun(`cluster join dev9@${theirs!.cluster}`);
      expect(unknown.status).not.toBe(0);
      expect(unknown.stderr + unknown.stdout).toContain('it is of another cluster, or its cluster_secret differs');
      await theirs!.stop();
      const secret = readFileSync(join(dev1!.dataDirectory, secretFile), 'utf8').trim();
      appendFileSync(theirs!.configFile, `cluster_secret = "${secret}"\n`);
      await theirs!.start();
      const refused = await dev1!.adminRun(`cluster join dev9@${theirs!.cluster}`);
      expect(refused.status).not.toBe(0);
      expect(refused.stderr + refused.stdout).toContain('node dev9 belongs to another cluster; to move it, stop it');
    } finally {
      await foreign.close();
    }
  });
});
