/** A node whose heap is small takes plain puts until it refuses them, goes on, and starts again with what it holds (review O7). */

import { afterEach, expect, it } from 'vitest';
import type { Operation, SimpleOperation } from '../../core/tree/operation.ts';
import { Raw } from '../abuse/tools/raw.ts';
import { ClusterUnderTest, eventually } from './cluster-process.ts';

/** Little, so that it is full soon. */
const heapMiB = 36;
const perTransaction = 500;
const most = 1000;

let cluster: ClusterUnderTest;
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await cluster.close();
});

async function connect(): Promise<Raw> {
  const raw = await Raw.open({ atEnd: (work) => void ends.push(work) }, cluster.nodes[0]!.api);
  await raw.register();
  return raw;
}

function creates(request: number): Operation {
  const value = new Uint8Array(16);
  const then = Array.from({ length: perTransaction }, (_, i): SimpleOperation => ({
    kind: 'create',
    path: `/heap/d${request}/k${i}`,
    type: 'blob',
    value,
  }));
  return { kind: 'transaction', guards: [], then, otherwise: [] };
}

it(
  'growth is refused with MemoryLow, all else goes on, and a restart and a removal help',
  { tags: ['slow'], timeout: 120_000 },
  async () => {
    cluster = await ClusterUnderTest.layOut(1);
    const [node] = cluster.nodes as [(typeof cluster.nodes)[0]];
    node.flags = [`--max-old-space-size=${heapMiB}`];
    await node.start();
    await cluster.found('test-ns');
    let raw = await connect();
    let request = 0;
    let reply: Awaited<ReturnType<Raw['write']>>;
    do reply = await raw.write(creates(++request), request);
    while (reply?.answer.kind === 'result' && request < most);
    expect([...raw.words]).toEqual([
      expect.stringMatching(/^MemoryLow \(definite\): the primary needs \d+ of the \d+ bytes/),
    ]);
    expect(request).toBeGreaterThan(10);
    const { body } = await node.http('/health');
    expect(body).toContain('requests that grow the state are refused with MemoryLow');
    expect(await node.metric('haret_memory_refused_total')).toBeGreaterThan(0);

    // It is full, and starts again with what it holds.
    await node.kill();
    await node.start();
    await node.untilHttp('/ready');
    raw = await connect();
    const read = await raw.read({ kind: 'exists', path: '/heap/d1/k0' });
    expect(read).toMatchObject({ kind: 'reply' });

    const removed = await raw.write({ kind: 'delete', path: '/heap', recursive: true, ifVersion: null }, 1);
    expect(removed?.answer).toMatchObject({ kind: 'result' });
    let next = 1;
    await eventually('growth after the removal', async () => {
      const again = await raw.write(creates(++next), next);
      return again?.answer.kind === 'result' ? again : null;
    });
    expect(node.pid).not.toBeNull();
  },
);
