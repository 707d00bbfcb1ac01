/**
 * A replica's log as it will be once everything handed to storage is durable: its head, the names of entries, which
 * entries are corrupt, and a bounded window of recent entries. Older entries are read back from storage.
 */

import { invariant } from '../base/assert.ts';
import { utf8 } from '../base/bytes.ts';
import type { Checksum, Op } from '../base/ids.ts';
import type { Hash } from '../base/ports.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import type { Viewstamp } from './configuration.ts';
import type { Entry, EntryName } from './entry.ts';
import type { LogDescription } from './messages.ts';
import type { RecoveredReplica, ReplicaIdentity, ReplicaStorage } from './ports.ts';

/** How many bytes of recent entries are kept in memory. Replicas that lag further are served from storage. */
const windowBytes = 1024 * 1024;

/** The parent of op 1 of a group, so that the logs of two groups never chain. */
export function genesisChecksum(identity: Pick<ReplicaIdentity, 'cluster' | 'namespace'>, hash: Hash): Checksum {
  return hash.digest(utf8(`haret ${identity.cluster} ${identity.namespace}`));
}

export class Log {
  readonly #storage: ReplicaStorage;
  readonly #genesis: Checksum;
  readonly #corrupt = new Map<Op, EntryName>();
  #head: Op;
  #headChecksum: Checksum;
  #first: Op;
  #checkpoint: CheckpointInfo | null;
  /** Entries `#base` to head. The first `#start` of them have left the window. Rotten ones are undefined. */
  #window: (Entry | undefined)[] = [];
  #start = 0;
  #base: Op;
  #bytes = 0;

  constructor(recovered: RecoveredReplica, storage: ReplicaStorage, hash: Hash) {
    this.#storage = storage;
    this.#genesis = genesisChecksum(recovered.identity, hash);
    this.#checkpoint = recovered.checkpoint;
    const bottom = recovered.checkpoint?.op ?? 0;
    this.#head = Math.max(recovered.head, bottom);
    this.#first = Math.min(recovered.first, this.#head + 1);
    if (this.#first === 0) this.#first = 1;
    this.#base = this.#head + 1;
    for (const name of recovered.corrupt) if (name.op > bottom) this.#corrupt.set(name.op, name);
    const checksum = this.checksum(this.#head);
    invariant(checksum !== null, 'the head of a recovered log has a name', { head: this.#head });
    this.#headChecksum = checksum;
  }

  get head(): Op {
    return this.#head;
  }
  get headChecksum(): Checksum {
    return this.#headChecksum;
  }
  /** The lowest op whose entry is held. */
  get first(): Op {
    return this.#first;
  }
  get checkpoint(): CheckpointInfo | null {
    return this.#checkpoint;
  }
  get checkpointOp(): Op {
    return this.#checkpoint?.op ?? 0;
  }
  get corruptCount(): number {
    return this.#corrupt.size;
  }

  /** The lowest op that was durable and cannot be read, or null. */
  lowestCorrupt(): Op | null {
    let lowest: Op | null = null;
    for (const op of this.#corrupt.keys()) if (lowest === null || op < lowest) lowest = op;
    return lowest;
  }

  isCorrupt(op: Op): boolean {
    return this.#corrupt.has(op);
  }

  corruptName(op: Op): EntryName | null {
    return this.#corrupt.get(op) ?? null;
  }

  /** Loads the entries from `op` to the head into the window, because a view change and the pipeline look at them. */
  warm(op: Op): void {
    if (op >= this.#base) return;
    const entries: (Entry | undefined)[] = [];
    for (let at = Math.max(op, this.#first); at <= this.#head; at++) {
      const entry = this.#corrupt.has(at) ? undefined : (this.entry(at) ?? undefined);
      this.#bytes += entry?.bytes.length ?? 0;
      entries.push(entry);
    }
    this.#window = entries;
    this.#start = 0;
    this.#base = this.#head + 1 - entries.length;
    this.#trim();
  }

  /** The entry at `op`, or null when it is not held or cannot be read. */
  entry(op: Op): Entry | null {
    if (op > this.#head || op < this.#first) return null;
    const index = op - this.#base;
    if (index >= this.#start) {
      const entry = this.#window[index];
      if (entry !== undefined) return entry;
    }
    return this.#corrupt.has(op) ? null : this.#storage.entry(op);
  }

  /**
   * The checksum of the entry at `op`, even of a corrupt one or of one that only the checkpoint covers; otherwise null.
   */
  checksum(op: Op): Checksum | null {
    if (op === 0) return this.#genesis;
    if (op > this.#head) return null;
    const name = this.#corrupt.get(op);
    if (name !== undefined) return name.checksum;
    if (op === this.#checkpoint?.op) return this.#checkpoint.checksum;
    return this.entry(op)?.checksum ?? null;
  }

  /** The replicated clock at the head. */
  headTimestamp(): number {
    for (let op = this.#head; op > this.checkpointOp; op--) {
      const entry = this.entry(op);
      if (entry !== null) return entry.timestamp;
    }
    return this.#checkpoint?.timestamp ?? 0;
  }

  /**
   * Everything up to here is committed, and a crash cannot lower it: the larger of the checkpoint's op and the commit
   * number in the newest readable entry (protocol §2).
   */
  floor(): Op {
    for (let op = this.#head; op > this.checkpointOp; op--) {
      const entry = this.entry(op);
      if (entry !== null) return Math.max(this.checkpointOp, entry.commit);
    }
    return this.checkpointOp;
  }

  append(entry: Entry): void {
    invariant(entry.op === this.#head + 1, 'the log grows op by op', { op: entry.op, head: this.#head });
    invariant(entry.parent === this.#headChecksum, 'an entry chains to the head', { op: entry.op });
    this.#head = entry.op;
    this.#headChecksum = entry.checksum;
    this.#window.push(entry);
    this.#bytes += entry.bytes.length;
    if (this.#bytes > windowBytes) this.#trim();
  }

  truncateFrom(op: Op): void {
    invariant(op > this.checkpointOp, 'the log is never cut at or below the checkpoint', { op });
    if (op > this.#head) return;
    const checksum = this.checksum(op - 1);
    invariant(checksum !== null, 'the log is cut after an entry that has a name', { op });
    for (let at = op; at <= this.#head; at++) this.#corrupt.delete(at);
    const keep = Math.max(0, op - this.#base);
    for (let i = Math.max(keep, this.#start); i < this.#window.length; i++)
      this.#bytes -= this.#window[i]?.bytes.length ?? 0;
    if (keep < this.#start || keep === 0) this.#clearWindow(op);
    else this.#window.length = keep;
    this.#head = op - 1;
    this.#headChecksum = checksum;
    if (this.#first > op) this.#first = op;
  }

  /** A corrupt entry is readable again, because its repair is durable. */
  repaired(op: Op): void {
    this.#corrupt.delete(op);
  }

  /** Takes over a checkpoint of the log's own past. Entries stay until {@link shortenTo}. */
  setCheckpoint(info: CheckpointInfo): void {
    invariant(info.op >= this.checkpointOp, 'the checkpoint never goes back', { op: info.op, had: this.checkpointOp });
    invariant(this.checksum(info.op) === info.checksum, 'a checkpoint is of this log', { op: info.op });
    this.#checkpoint = info;
    for (const op of this.#corrupt.keys()) if (op <= info.op) this.#corrupt.delete(op);
  }

  /** Replaces everything by a checkpoint. The log goes on after it. */
  reset(info: CheckpointInfo): void {
    invariant(info.op >= this.checkpointOp, 'the checkpoint never goes back', { op: info.op, had: this.checkpointOp });
    this.#checkpoint = info;
    this.#corrupt.clear();
    this.#head = info.op;
    this.#headChecksum = info.checksum;
    this.#first = info.op + 1;
    this.#bytes = 0;
    this.#clearWindow(info.op + 1);
  }

  /** Drops entries at or below `op`, which the checkpoint covers. */
  shortenTo(op: Op): void {
    invariant(op <= this.checkpointOp, 'only what a checkpoint stands for is dropped', { op });
    if (op < this.#first) return;
    this.#first = op + 1;
    while (this.#start < this.#window.length && this.#base + this.#start < this.#first) this.#drop();
    this.#pack();
  }

  /** The log as a DoViewChange or StartView describes it (protocol §4.2). */
  describe(logView: Viewstamp): LogDescription {
    const floor = this.floor();
    const floorChecksum = this.checksum(floor);
    invariant(floorChecksum !== null, 'the floor of the log has a name', { floor, head: this.#head });
    const checksums: Checksum[] = [];
    const corrupt: Op[] = [];
    for (let op = floor + 1; op <= this.#head; op++) {
      const checksum = this.checksum(op);
      invariant(checksum !== null, 'no op between checkpoint and head is absent', { op });
      checksums.push(checksum);
      if (this.#corrupt.has(op)) corrupt.push(op);
    }
    return { logView, head: this.#head, floor, floorChecksum, checkpointOp: this.checkpointOp, checksums, corrupt };
  }

  #trim(): void {
    while (this.#bytes > windowBytes && this.#start < this.#window.length - 1) this.#drop();
    this.#pack();
  }

  #drop(): void {
    this.#bytes -= this.#window[this.#start]?.bytes.length ?? 0;
    this.#window[this.#start] = undefined;
    this.#start++;
  }

  /** Moves the window down once half of it is empty, so that the average cost of appending stays the same. */
  #pack(): void {
    if (this.#start < 1024 || this.#start * 2 < this.#window.length) return;
    this.#window = this.#window.slice(this.#start);
    this.#base += this.#start;
    this.#start = 0;
  }

  #clearWindow(base: Op): void {
    this.#window = [];
    this.#start = 0;
    this.#base = base;
  }
}
