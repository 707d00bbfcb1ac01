/**
 * The SDK in Node, with real nodes over real sockets: while nodes are killed and the primary moves, with both codecs,
 * and how it closes.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess } from '../../browser-client/in-process.ts';
import { HaretError, connect, json, open, text } from '../../browser-client/index.ts';
import { startServer } from '../../node-server/server.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterUnderTest, eventually, freePort } from '../integration/cluster-process.ts';
import type { NodeUnderTest } from '../integration/cluster-process.ts';
import { Scenario, faults } from './scenario.ts';

describe('on three nodes', () => {
  let cluster: ClusterUnderTest;
  let urls: string[];

  beforeAll(async () => {
    cluster = await ClusterUnderTest.start(3);
    urls = cluster.nodes.map(({ api }) => `ws://${api}`);
  });

  afterAll(async () => {
    await cluster.close();
  });

  function nodeAt(address: string): NodeUnderTest {
    return cluster.nodes.find(({ api }) => address.includes(api))!;
  }

  it('the primary dies and comes back, twice: no write is lost or doubled, and the watch has no gap', async () => {
    await using haret = await connect({ urls });
    const scenario = new Scenario(haret);
    await scenario.begin();
    for (let round = 0; round < 2; round++) {
      const before = scenario.acknowledged;
      await eventually('writes', () => Promise.resolve(scenario.acknowledged > before + 10 ? true : null));
      // Redirects are followed, so the connected node is the primary's.
      const node = nodeAt(haret.server!.address);
      await node.kill();
      await node.start();
    }
    const account = await scenario.end();
    expect(faults(account)).toEqual([]);
    expect(account.acknowledged).toBeGreaterThan(20);
    expect(account.states.slice(0, 3)).toEqual(['ready', 'suspended', 'ready']);
  });

  it('all nodes die and come back', async () => {
    await using haret = await connect({ urls });
    const greeting = haret.namespace('test-ns').blob('/greeting', text);
    await greeting.put('hello');
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    const answer = greeting.get({ timeoutMs: 30_000 });
    await Promise.all(cluster.nodes.map((node) => node.start()));
    expect(await answer).toBe('hello');
  });

  it.each(['binary', 'superjson'] as const)('speaks %s', async (codec) => {
    await using haret = await connect({ urls, codec });
    const ns = haret.namespace('test-ns');
    const blob = ns.blob(`/codec/${codec}`, json<{ name: string }>());
    const watch = ns.watch(blob.path, { from: 'snapshot' });
    expect((await watch.next()).value).toMatchObject({ kind: 'snapshot', last: true, changes: [] });
    await blob.put({ name: 'ü\u0000' });
    expect(await blob.get()).toEqual({ name: 'ü\u0000' });
    const { value } = await watch.next();
    expect(new TextDecoder().decode(value!.changes[0]!.value)).toBe('{"name":"ü\\u0000"}');
    await watch.return();
    const large = ns.blob('/codec/large', text);
    const most = 'x'.repeat(900_000);
    await large.put(most);
    expect((await large.get())?.length).toBe(most.length);
    await expect(large.put('x'.repeat(3_000_000))).rejects.toMatchObject({
      code: 'LimitExceeded',
      outcome: 'definite',
    });
  });

  it('a lock outlives its primary, and a loop that stood still has lost it before anything else', async () => {
    await using haret = await connect({ urls });
    await using second = await connect({ urls, codec: 'superjson' });
    const [one, other] = [haret.namespace('test-ns'), second.namespace('test-ns')];
    const mine = await one.lock('/l').acquire();
    const next = other.lock('/l').acquire();
    const node = nodeAt(haret.server!.address);
    await node.kill();
    await node.start();
    expect(mine.held).toBe(true);
    expect(await mine.release()).toBe(true);
    await using theirs = await next;
    expect(theirs.token).toBeGreaterThan(mine.token);
    const short = await one.lock('/short').acquire({ leaseMs: 1000 });
    const order: string[] = [];
    short.signal.addEventListener('abort', () => order.push('lost'));
    const write = short.ns
      .blob('/by-short', text)
      .put('late')
      .then(
        () => order.push('written'),
        () => order.push('refused'),
      );
    // The program computes for longer than its lease.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    await write;
    expect(order[0]).toBe('lost');
    expect(short.lost?.details).toMatchObject({ reason: 'lapsed', path: '/short' });
    expect((await other.lock('/short').acquire()).held).toBe(true);
  });

  it('thousands of calls are under way at once', async () => {
    await using haret = await connect({ urls });
    const counter = haret.namespace('test-ns').counter('/many');
    const sums = await Promise.all(Array.from({ length: 3000 }, () => counter.add()));
    expect(new Set(sums).size).toBe(3000);
    expect(Math.max(...sums)).toBe(3000);
  });

  it('closing twice is closing once', async () => {
    const haret = await connect({ urls });
    await haret.namespace('test-ns').counter('/given-back').add();
    await haret.close();
    await haret.close();
    expect(haret.state).toBe('closed');
  });
});

describe('a node that cannot be reached', () => {
  it('is named in the error, within the time that was given', async () => {
    const port = await freePort();
    const error = await connect({ urls: `127.0.0.1:${port}`, timeoutMs: 300 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HaretError);
    expect((error as HaretError).code).toBe('NodeUnreachable');
    expect((error as HaretError).message).toMatch(new RegExp(`^no node answered at 127.0.0.1:${port}: .*ECONNREFUSED`));
  });

  it('is refused when its address is not valid', () => {
    for (const urls of ['', 'ftp://x', [], 'ws://x/#y']) expect(() => open({ urls })).toThrow(HaretError);
  });

  it('is given up when a signal aborts', async () => {
    const signal = AbortSignal.timeout(50);
    const error = await connect({ urls: '127.0.0.1:9', signal }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'Interrupted', outcome: 'definite' });
  });
});

describe('a node in this process', () => {
  it('answers over a socket and without a socket, and keeps its data', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'haret-server-'));
    try {
      const lines: string[] = [];
      const first = await startServer({ nodeName: 'one', dataDir, log: (line) => lines.push(line) });
      await first.createNamespace('test-ns');
      for (const transport of [undefined, inProcess(first.accept)]) {
        await using haret = await connect({ urls: first.addresses.api, transport });
        await haret.namespace('test-ns').counter('/n').add();
      }
      expect(lines.some((line) => line.includes('listening'))).toBe(true);
      expect(await first.stop()).toBe(true);
      await using second = await startServer({ nodeName: 'one', dataDir });
      await using haret = await connect({ urls: 'in this process', transport: inProcess(second.accept) });
      // It has other ports now, and its catalog has just been read. Things that already exist are left unchanged.
      await second.createNamespace('test-ns');
      expect(await haret.namespace('test-ns').counter('/n').get()).toBe(2);
      await expect(second.createNamespace(undefined as unknown as string)).rejects.toMatchObject({ code: 'BadName' });
      await expect(startServer({ nodeName: 'one', dataDir })).rejects.toThrow();
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
