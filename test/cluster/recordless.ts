/** Takes from a log every copy of the node's record, and leaves replicas. */

import type { Hash } from '../../core/base/ports.ts';
import { SeededRandom } from '../../core/base/random.ts';
import { wholeBatches } from '../../core/sim/damage.ts';
import { sectorBytes } from '../../core/store/format.ts';
import type { MemoryDisk } from '../../core/store/memory-disk.ts';
import { Store } from '../../core/store/store.ts';

export interface LostBatch {
  readonly file: string;
  readonly offset: number;
  readonly end: number;
}

/**
 * Makes batches unreadable from the first on, until the record is gone and a replica is left.
 * @returns these batches.
 */
export function loseRecord(
  disk: MemoryDisk,
  { hash, segmentBytes }: { readonly hash: Hash; readonly segmentBytes: number },
): readonly LostBatch[] {
  const batches = wholeBatches(disk);
  for (let lost = 1; lost < batches.length; lost++) {
    const { file, offset, end } = batches[lost - 1]!;
    for (let at = offset; at < end; at += sectorBytes) disk.breakSector(file, at / sectorBytes);
    const quiet = { write: () => undefined };
    const ports = { disk: disk.fork(), hash, random: new SeededRandom(1), log: quiet };
    const store = Store.open(ports, { segmentBytes, now: () => 0, onFailure: () => undefined });
    if (store.nodeRecord() !== null) continue;
    if (store.replicas().length === 0) throw new Error('the replicas are gone with the record');
    return batches.slice(0, lost);
  }
  throw new Error('the record is in every batch');
}
