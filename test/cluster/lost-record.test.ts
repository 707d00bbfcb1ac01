/** A node whose record was lost with a part of its log, while its replicas still exist. */

import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../core/base/random.ts';
import { decodeNodeRecord, encodeNodeRecord } from '../../core/cluster/replicas/node-record.ts';
import type { MemoryDisk } from '../../core/store/memory-disk.ts';
import { Store } from '../../core/store/store.ts';
import { NodeHash } from '../../node-server/node-hash.ts';
import { Story, createBlob, get, valueOf } from './story.ts';

/** Puts back the record that the node had before it knew of any namespace. */
function forgetNamespaces(story: Story, disk: MemoryDisk): void {
  let now = 0;
  const state = { done: false };
  const ports = { disk, hash: new NodeHash(), random: new SeededRandom(5), log: { write: () => undefined } };
  const fail = (error: Error): never => {
    throw error;
  };
  const store = Store.open(ports, { segmentBytes: 1024 * 1024, now: () => now, onFailure: fail });
  const record = decodeNodeRecord(store.nodeRecord()!);
  expect(record.namespaces.map(({ name }) => name)).toEqual(['ns']);
  store.setNodeRecord(encodeNodeRecord({ ...record, namespaces: [] }), () => (state.done = true));
  while (!state.done && now < 60_000) {
    store.flush();
    story.pass(10);
    store.tick((now += 10));
  }
  expect(state.done).toBe(true);
  disk.processCrash();
}

describe('a node that has lost its record and not its replicas', () => {
  it('goes on with the replica that it has, once the catalog tells of the namespace again (found by torture)', () => {
    const names = ['n1', 'n2', 'n3'];
    const story = Story.founded(3, 'ns', names);
    const user = story.client(names, { requestTimeoutMs: 3000 });
    story.enter(user, 'ns');
    story.ask(user, createBlob('/needle'));
    story.pass(500);
    const node = story.node('n3');
    story.world.crash(node);
    forgetNamespaces(story, node.disk);
    story.world.start(node);
    story.settle();
    story.pass(2000);
    expect(node.node!.health().problems).toEqual([]);
    expect(node.hosts.map(({ namespaceId }) => namespaceId)).toHaveLength(2);
    // It counts, because without it and n2 there is no quorum.
    story.world.crash(story.node('n2'));
    story.pass(3000);
    expect(valueOf(story.ask(user, get('/needle')))).toBeDefined();
  });
});
