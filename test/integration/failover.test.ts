/**
 * Failover as in haret's README, and worse: the primary's process is killed, then paused, then every process is killed
 * at once during writes. Every acknowledged write is there, once.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterUnderTest, eventually } from './cluster-process.ts';
import type { NodeUnderTest } from './cluster-process.ts';
import { run } from './programs.ts';
import type { Ran } from './programs.ts';

let cluster: ClusterUnderTest;

beforeAll(async () => {
  cluster = await ClusterUnderTest.start(3);
});

afterAll(async () => {
  await cluster.close();
});

/** The node of the primary of `test-ns`, according to `vr primary` at `at`. */
async function primary(at: NodeUnderTest): Promise<NodeUnderTest> {
  return eventually('a primary', async () => {
    const { stdout } = await at.adminRun('vr primary test-ns');
    const name = /^test-ns::r\d::(dev\d)@/.exec(stdout)?.[1];
    return cluster.nodes.find((node) => node.name === name) ?? null;
  });
}

function others(than: NodeUnderTest): readonly NodeUnderTest[] {
  return cluster.nodes.filter((node) => node !== than);
}

async function client(node: NodeUnderTest, ...commands: readonly string[]): Promise<Ran> {
  return run('haret-cli-client', [node.api, '--ns', 'test-ns', ...commands.flatMap((command) => ['-e', command])]);
}

describe('a cluster of three', () => {
  it('continues without its primary, which catches up when it is back', async () => {
    const first = await primary(cluster.node(0));
    expect(
      await client(first, 'create set /a', 'create set /b', 'set insert /a left', 'set insert /b right'),
    ).toMatchObject({ status: 0 });
    const replica = `r${cluster.nodes.indexOf(first) + 1}`;
    const shown = await others(first)[0]!.adminRun(`vr replica test-ns::${replica}::${first.name}@${first.cluster}`);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    // The primary is named near the top.
    expect(shown.stdout.split('\n').slice(0, 6).join('\n')).toContain(
      `test-ns::${replica}::${first.name}@${first.cluster}`,
    );
    await first.kill();
    const [survivor] = others(first);
    const again = await run('haret-cli-client', [survivor!.api], { input: 'enter test-ns\nset union /a /b\n' });
    expect(again.stdout).toMatch(/^(Client registered\.|Finished Redirecting\.) Primary = [^\n]*\nleft\nright\n/);
    const union = await client(survivor!, 'set union /a /b', 'set insert /a while-it-was-dead');
    expect(union).toMatchObject({ status: 0, stderr: '' });
    expect(union.stdout).toMatch(/^left\nright\n/m);
    expect(await primary(survivor!)).not.toBe(first);
    await first.start();
    await first.untilHttp('/ready');
    const commit = await survivor!.metric('haret_replica_commit{namespace="test-ns"');
    await eventually('catching up', async () =>
      ((await first.metric('haret_replica_commit{namespace="test-ns"')) ?? 0) >= (commit ?? 0) ? true : null,
    );
    const local = await run('haret-cli-client', [
      ...[first.api, '--ns', 'test-ns', '--read', 'local'],
      ...['-e', 'set contains /a while-it-was-dead'],
    ]);
    expect(local.stdout).toContain('true');
  });

  it('continues while its primary is paused, and the paused node follows again', async () => {
    const first = await primary(cluster.node(0));
    first.pause();
    try {
      const [survivor] = others(first);
      expect(await client(survivor!, 'set insert /b while-it-slept')).toMatchObject({ status: 0, stderr: '' });
    } finally {
      first.resume();
    }
    await first.untilHttp('/ready');
    const seen = await client(first, 'set contains /b while-it-slept');
    expect(seen.stdout).toContain('true');
  });

  it('killed all at once under load at every node, has every acknowledged write, once', async () => {
    const [dev1] = cluster.nodes;
    expect(await client(dev1!, 'create queue /jobs')).toMatchObject({ status: 0 });
    const most = 9000;
    const loads = cluster.nodes.map((node) => {
      const script = Array.from({ length: most }, (_, i) => `queue push /jobs ${node.name}-${i}`).join('\n');
      return run('haret-cli-client', [node.api, '--ns', 'test-ns', '--timeout', '2s'], { input: script });
    });
    await eventually('load', async () => {
      const { stdout } = await client(dev1!, 'queue len /jobs');
      return Number(stdout.split('\n', 1)[0]) > 150 ? true : null;
    });
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    const acknowledged = (await Promise.all(loads)).map(
      ({ stdout }) => stdout.split('\n').filter((line) => line === 'Ok').length,
    );
    for (const count of acknowledged) {
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThan(most);
    }
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await Promise.all(cluster.nodes.map((node) => node.untilHttp('/ready')));
    const { stdout, status } = await client(dev1!, 'queue list /jobs');
    expect(status).toBe(0);
    cluster.nodes.forEach((node, at) => {
      const jobs = [...stdout.matchAll(new RegExp(`^${node.name}-(\\d+)$`, 'gm'))].map(([, number]) => Number(number));
      // Each client sends one request at a time. So the items are a prefix of what it typed, and include everything
      // that was answered.
      expect(jobs).toEqual(jobs.map((_, i) => i));
      expect(jobs.length).toBeGreaterThanOrEqual(acknowledged[at]!);
      expect(jobs.length).toBeLessThanOrEqual(acknowledged[at]! + 1);
    });
    await eventually('readiness', async () => ((await dev1!.http('/ready')).status === 200 ? true : null));
  });
});
