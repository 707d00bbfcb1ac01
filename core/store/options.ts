/** What a store is opened with, and what it tells of itself. */

import type { NamespaceId } from '../base/ids.ts';
import type { Disk, Hash, Log, Random } from '../base/ports.ts';

export interface StorePorts {
  readonly disk: Disk;
  readonly hash: Hash;
  readonly random: Random;
  readonly log: Log;
}

export interface StoreOptions {
  /** Bytes of one segment of the log. */
  readonly segmentBytes?: number;
  /** Monotonic milliseconds, for the pace of background work; nothing is judged by it. */
  readonly now: () => number;
  /**
   * Runs work at the end of the turn. With it, what all replicas hand over in a turn is one batch; without, the first part that
   * finds the log idle is written at once.
   */
  readonly soon?: (work: () => void) => void;
  /** Idle time after which an empty batch repeats the last headers. */
  readonly trailAfterMs?: number;
  /** A write or a sync failed. The store is dead: the host ends the process and never tries again (protocol §2). */
  readonly onFailure: (error: Error) => void;
}

/** A replica whose state counts as so many bytes. */
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
