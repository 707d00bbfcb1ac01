/** What a store needs to be opened, and what it reports about itself. */

import type { NamespaceId } from '../base/ids.ts';
import type { Disk, Hash, Log, Random } from '../base/ports.ts';

export interface StorePorts {
  readonly disk: Disk;
  readonly hash: Hash;
  readonly random: Random;
  readonly log: Log;
}

export interface StoreOptions {
  /** The size of one segment of the log, in bytes. */
  readonly segmentBytes?: number;
  /** Monotonic milliseconds. They set the pace of background work and decide nothing else. */
  readonly now: () => number;
  /**
   * Runs work at the end of the turn. With it, everything that all replicas hand over in a turn makes one batch.
   * Without it, the first part that finds the log idle is written at once.
   */
  readonly soon?: (work: () => void) => void;
  /** After this much idle time, an empty batch repeats the last headers. */
  readonly trailAfterMs?: number;
  /**
   * A write or a sync failed. The store is dead. The host must end the process and must not try again (protocol §2).
   */
  readonly onFailure: (error: Error) => void;
}

/** A replica, with the size of its state in bytes. */
export interface SizedReplica {
  readonly namespaceId: NamespaceId;
  readonly replicaName: string;
  readonly machine: { size(): number };
}

export interface StoreStats {
  readonly segments: number;
  readonly segmentBytes: number;
  /** Batches written, each with one sync. */
  readonly batches: number;
  readonly writtenBytes: number;
  readonly parts: number;
  readonly queuedParts: number;
  readonly queuedBytes: number;
  readonly copiedEntries: number;
  readonly checkpointsBeingWritten: number;
}
