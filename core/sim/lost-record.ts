/**
 * A node's newest records are lost, as when the batches that held and repeated them go bad, and an earlier one stands in
 * their place: it knows fewer namespaces, and perhaps fewer nodes, than the catalog and the disk. The replicas of those
 * namespaces are still there.
 */

import type { Hash } from '../base/ports.ts';
import type { SeededRandom } from '../base/random.ts';
import { decodeNodeRecord, encodeNodeRecord } from '../cluster/replicas/node-record.ts';
import type { NodeRecord } from '../cluster/replicas/node-record.ts';
import type { MemoryDisk } from '../store/memory-disk.ts';
import { Store } from '../store/store.ts';

/** A start, a batch and its sync take far fewer steps. */
const maxSteps = 1000;
const stepMs = 10;

/**
 * Puts an earlier record on the disk of a node that is off, as a life of it that knew no better would have left it.
 * @param earlier the record that it falls back to.
 * @returns false when nothing changed: the node has no record or no log, or no room for another batch.
 */
export function loseRecord(
  disk: MemoryDisk,
  { hash, random, segmentBytes }: { readonly hash: Hash; readonly random: SeededRandom; readonly segmentBytes: number },
  earlier: (record: NodeRecord) => NodeRecord | null,
): boolean {
  const fork = disk.fork();
  let nowMs = 0;
  let state: 'writing' | 'written' | 'failed' = 'writing';
  const store = Store.open(
    { disk: fork, hash, random, log: { write: () => undefined } },
    { segmentBytes, now: () => nowMs, onFailure: () => (state = 'failed') },
  );
  const bytes = store.nodeRecord();
  const record = bytes === null ? null : earlier(decodeNodeRecord(bytes));
  if (record === null) return false;
  store.setNodeRecord(encodeNodeRecord(record), () => (state = 'written'));
  const ended = (): boolean => state !== 'writing';
  for (let step = 0; step < maxSteps && !ended(); step++) {
    store.flush();
    fork.run();
    store.tick((nowMs += stepMs));
  }
  if (!ended() || store.nodeRecord() === null) return false;
  fork.processCrash();
  disk.become(fork);
  return true;
}

/** One that knows none of the last namespaces that the record has; null when it has none. */
export function withoutNamespaces(record: NodeRecord, random: SeededRandom): NodeRecord | null {
  const { namespaces, nodes, root } = record;
  if (namespaces.length === 0) return null;
  const voters = new Set(root.voters.map(({ node }) => node));
  // Nodes came before namespaces: who did not know one may not have known all of them either.
  const known = random.chance(1, 2) ? nodes : nodes.filter(({ name }) => name === record.name || voters.has(name));
  return { ...record, namespaces: namespaces.slice(0, random.below(namespaces.length)), nodes: known };
}
