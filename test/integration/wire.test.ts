/**
 * The requirements for a client in any language. A program that takes commands as lines of JSON speaks to a real
 * cluster whose nodes die. Each write is executed once, and its watch has no gap and no repeat. `HARET_WIRE_CLIENT`
 * names another program than the example's.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterUnderTest } from './cluster-process.ts';
import { WireClient } from './wire-client.ts';
import type { WireEvents } from './wire-client.ts';

describe('a client in any language', () => {
  let cluster: ClusterUnderTest;
  let client: WireClient;

  beforeAll(async () => {
    cluster = await ClusterUnderTest.start(3);
    client = new WireClient();
    const entered = await client.enter(cluster.nodes.map(({ api }) => api));
    expect(entered.answer).toMatchObject({ kind: 'result', result: { truth: true } });
  });

  afterAll(async () => {
    client.close();
    await cluster.close();
  });

  it('writes bytes and reads them', async () => {
    const bytes = { field: 'value', base64: 'AP/wn5iA' };
    const operation = { kind: 'blobPut', path: '/b', value: null, ifVersion: null, ifAbsent: true };
    expect((await client.do({ do: 'write', operation, bytes })).answer.kind).toBe('result');
    const { answer } = await client.do({ do: 'read', operation: { kind: 'blobGet', path: '/b' } });
    // A Buffer as JSON.
    expect(answer.result).toMatchObject({ kind: 'value', value: { data: [...Buffer.from(bytes.base64, 'base64')] } });
  });

  it('is told the errors of executed operations', async () => {
    const { answer } = await client.write({ kind: 'counterAdd', path: '/none', by: 1 });
    expect(answer).toMatchObject({ kind: 'error', error: { code: 'PathNotFound' } });
  });

  it('writes each value once, and watches without a gap or a repeat, while nodes die and come back', async () => {
    await client.write({ kind: 'create', path: '/n', type: 'counter', value: null });
    const { watch } = await client.do<{ readonly watch: number }>({ do: 'watch', path: '/n' });
    const events = (): Promise<WireEvents> => client.events(watch);
    await expect.poll(async () => (await events()).op, { timeout: 20_000 }).not.toBe(null);
    const total = 60;
    for (let i = 1; i <= total; i++) {
      const node = cluster.nodes[(i / 20) % 3];
      const dying = node?.kill();
      const { answer } = await client.write({ kind: 'counterAdd', path: '/n', by: 1 });
      expect(answer.result).toMatchObject({ kind: 'number', number: i });
      await dying;
      await node?.start();
    }
    const told = async (): Promise<number> => (await events()).events.length;
    await expect.poll(told, { timeout: 20_000 }).toBeGreaterThanOrEqual(total);
    const numbers = (await events()).events.map(({ changes }) => changes[0]!.number);
    expect(numbers).toEqual(Array.from({ length: total }, (_, i) => i + 1));
  }, 120_000);
});
