/**
 * Checkpoint files. They are written in slices while the log goes on, staged chunk by chunk during a transfer, and read
 * back by hash. A file is only bytes. The log says which checkpoint is installed, so installing is as atomic as a batch
 * (protocol §6).
 */

import { Writer } from '../base/bytes.ts';
import type { Disk, DiskError, Hash } from '../base/ports.ts';
import type { CheckpointInfo } from '../vr/checkpoint.ts';
import { checkpointChunkBytes, checkpointInfoSchema } from '../vr/checkpoint.ts';
import type { CheckpointDraft, Snapshot } from '../vr/ports.ts';
import { checkpointName, parseCheckpointName, temporaryPrefix } from './format.ts';
import type { CheckpointName } from './format.ts';
import type { ReplicaLog } from './replica-log.ts';

/** One slice of encoding may hold the node up for this long. */
const sliceMs = 3;
/** How much we ask a snapshot for at once. */
const pieceBytes = 16 * 1024;
const hashBytes = 16;

/** Computes a checkpoint's name: the hash of all its other fields, encoded. */
export function sealCheckpoint(fields: Omit<CheckpointInfo, 'hash'>, hash: Hash): CheckpointInfo {
  const writer = new Writer(1024);
  checkpointInfoSchema.encode(writer, { ...fields, hash: '00'.repeat(hashBytes) });
  const bytes = writer.view();
  return { ...fields, hash: hash.digest(bytes.subarray(0, bytes.length - hashBytes)) };
}

interface WriteJob {
  readonly replica: ReplicaLog;
  readonly temporary: string;
  readonly draft: CheckpointDraft;
  readonly snapshot: Snapshot;
  readonly done: (info: CheckpointInfo | null) => void;
  readonly chunks: string[];
  /** What the snapshot gave beyond the chunk that is full. */
  rest: Uint8Array | null;
  readonly chunk: Uint8Array;
  filled: number;
  size: number;
  ended: boolean;
}

interface Staging {
  readonly name: string;
  readonly info: CheckpointName;
  readonly size: number;
  /** Chunks that are known to be on the disk, whole. Those of an earlier run are found by reading them once. */
  readonly present: Set<number>;
}

interface CheckpointFile {
  readonly parsed: CheckpointName;
  readonly owner: ReplicaLog;
}

export interface CheckpointsHost {
  readonly now: () => number;
  readonly soon: ((work: () => void) => void) | null;
  /** A file that nothing needs yet could not be written and was given up. */
  dropped(error: DiskError): void;
}

export class Checkpoints {
  readonly #disk: Disk;
  readonly #hash: Hash;
  readonly #host: CheckpointsHost;
  #jobs: WriteJob[] = [];
  #waitsForDisk = false;
  #stopped = false;
  #nextTemporary = 1;
  /** At most one for each replica: beginning another gives up the one before. */
  readonly #staging = new Map<ReplicaLog, Staging>();
  /**
   * Complete or partial checkpoint files on the disk. A replica that is made anew under an old name has none of the old
   * files.
   */
  readonly #files = new Map<string, CheckpointFile>();
  /** The name that a finished file is about to get. Renaming replaces whatever had that name before. */
  #sealing: string | null = null;

  constructor(disk: Disk, hash: Hash, host: CheckpointsHost) {
    this.#disk = disk;
    this.#hash = hash;
    this.#host = host;
  }

  /** Removes what no replica can need: leftovers of a crash, and checkpoints older than the installed one. */
  recover(names: readonly string[], replicaOf: (name: CheckpointName) => ReplicaLog | undefined): void {
    for (const name of names) {
      if (name.startsWith(temporaryPrefix)) {
        this.#remove(name);
        continue;
      }
      const parsed = parseCheckpointName(name);
      if (parsed === null) continue;
      const replica = replicaOf(parsed);
      const installed = replica?.checkpoint ?? null;
      const needed = installed === null || parsed.op > installed.op || parsed.hash === installed.hash;
      if (replica !== undefined && needed) this.#files.set(name, { parsed, owner: replica });
      else this.#remove(name);
    }
  }

  /**
   * Encodes, hashes and writes a snapshot, a slice at a time. Only one snapshot is written at once, over all replicas.
   * `done` gets null when the disk refuses it. Nothing needs a checkpoint that is not installed, so only this attempt
   * has failed.
   */
  write(
    replica: ReplicaLog,
    draft: CheckpointDraft,
    snapshot: Snapshot,
    done: (info: CheckpointInfo | null) => void,
  ): void {
    const temporary = `${temporaryPrefix}checkpoint-${this.#nextTemporary++}`;
    const chunk = new Uint8Array(0);
    this.#jobs.push({
      replica,
      temporary,
      draft,
      snapshot,
      done,
      chunks: [],
      rest: null,
      chunk,
      filled: 0,
      size: 0,
      ended: false,
    });
    if (this.#jobs.length === 1) this.#begin();
  }

  get writing(): number {
    return this.#jobs.length;
  }

  /** Stops writing. The next start removes what is half written. */
  stop(): void {
    this.#jobs = [];
    this.#stopped = true;
  }

  tick(): void {
    if (!this.#waitsForDisk) this.#slice();
  }

  #begin(): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    this.#jobs[0] = { ...job, chunk: new Uint8Array(checkpointChunkBytes) };
    this.#waitsForDisk = true;
    this.#disk.create(job.temporary, 0, (error) => this.#resume(error, () => this.#slice()));
  }

  /** The disk has answered. Goes on with `next` unless it failed. */
  #resume(error: DiskError | null, next: () => void): void {
    this.#waitsForDisk = false;
    if (this.#stopped) return;
    if (error === null) next();
    else this.#giveUp(error);
  }

  /** Removes the half-written file and tells the caller that waits for it. */
  #giveUp(error: DiskError): void {
    const job = this.#jobs[0]!;
    this.#host.dropped(error);
    this.#end(job);
    if (!job.replica.removed) job.done(null);
  }

  #slice(): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    if (job.replica.removed) return this.#end(job);
    const began = this.#host.now();
    while (!job.ended && job.filled < job.chunk.length) {
      const piece = job.rest ?? job.snapshot.next(Math.min(pieceBytes, job.chunk.length - job.filled));
      if (piece === null) job.ended = true;
      else {
        const taken = Math.min(piece.length, job.chunk.length - job.filled);
        job.chunk.set(piece.subarray(0, taken), job.filled);
        job.filled += taken;
        job.rest = taken < piece.length ? piece.subarray(taken) : null;
      }
      if (this.#host.now() - began >= sliceMs && !job.ended && job.filled < job.chunk.length) {
        // The rest of this chunk waits for the next turn, or for the next tick on a host without turns.
        this.#host.soon?.(() => this.tick());
        return;
      }
    }
    if (job.filled > 0) this.#flush(job);
    else this.#seal(job);
  }

  #flush(job: WriteJob): void {
    const chunk = job.chunk.subarray(0, job.filled);
    job.chunks.push(this.#hash.digest(chunk));
    const offset = job.size;
    job.size += job.filled;
    job.filled = 0;
    this.#waitsForDisk = true;
    this.#disk.write(job.temporary, offset, [chunk], false, (error) => this.#resume(error, () => this.#slice()));
  }

  #seal(job: WriteJob): void {
    const info = sealCheckpoint({ ...job.draft, size: job.size, chunks: job.chunks }, this.#hash);
    const name = this.#nameOf(job.replica, info);
    this.#waitsForDisk = true;
    this.#disk.sync(job.temporary, (error) => {
      if (this.#stopped) return;
      if (error !== null) return this.#resume(error, () => undefined);
      this.#sealing = name;
      this.#disk.rename(job.temporary, name, (renameError) =>
        this.#resume(renameError, () => {
          this.#sealing = null;
          this.#jobs.shift();
          if (job.replica.removed) {
            // The same checkpoint may be installed, here until the removal is durable, or in the one that was made anew.
            if (!this.#files.has(name)) this.#remove(name);
            this.#begin();
            return;
          }
          this.#files.set(name, { parsed: parseCheckpointName(name)!, owner: job.replica });
          job.done(info);
          this.#begin();
        }),
      );
    });
  }

  /** The replica of this job is gone. */
  #end(job: WriteJob): void {
    this.#jobs.shift();
    this.#remove(job.temporary);
    this.#begin();
  }

  /** Writes one chunk of a checkpoint that is being fetched to its place in the file. */
  stage(
    replica: ReplicaLog,
    info: CheckpointInfo,
    index: number,
    bytes: Uint8Array,
    done: (staged: boolean) => void,
  ): void {
    const staging = this.#stagingOf(replica, info, true)!;
    this.#disk.write(staging.name, index * checkpointChunkBytes, [bytes], true, (error) => {
      if (this.#stopped) return;
      if (error !== null) {
        // The chunks fetched so far are not needed yet and take up the room, so they go. Chunks on their way to the
        // disk fail after this, and find the file gone.
        if (this.#staging.get(replica) === staging) {
          this.#host.dropped(error);
          this.#staging.delete(replica);
          if (replica.handedCheckpoint?.hash !== info.hash && this.#files.has(staging.name)) this.#remove(staging.name);
        }
        return done(false);
      }
      staging.present.add(index);
      done(true);
    });
  }

  /** True when the chunk is on the disk and has the hash that the checkpoint gives for it. */
  staged(replica: ReplicaLog, info: CheckpointInfo, index: number): boolean {
    const staging = this.#stagingOf(replica, info, false);
    if (staging === null) return false;
    if (staging.present.has(index)) return true;
    if (this.#read(staging.name, info, index) === null) return false;
    staging.present.add(index);
    return true;
  }

  #stagingOf(replica: ReplicaLog, info: CheckpointInfo, begin: boolean): Staging | null {
    const name = this.#nameOf(replica, info);
    const known = this.#staging.get(replica);
    if (known?.name === name) return known;
    const parsed = parseCheckpointName(name)!;
    const there = this.#files.has(name);
    if (!there && !begin) return null;
    this.#files.set(name, { parsed, owner: replica });
    if (begin && known !== undefined && known.info.hash !== replica.handedCheckpoint?.hash) this.#remove(known.name);
    const staging: Staging = { name, info: parsed, size: info.size, present: new Set() };
    this.#staging.set(replica, staging);
    if (!there) {
      // If there is no room even for a name, the write of the first chunk reports it.
      this.#disk.create(name, 0, () => undefined);
    }
    return staging;
  }

  /** A chunk of a checkpoint's file, if its hash is the one that the checkpoint gives for it. */
  chunk(replica: ReplicaLog, info: CheckpointInfo, index: number): Uint8Array | null {
    return this.#read(this.#nameOf(replica, info), info, index);
  }

  #read(name: string, info: CheckpointInfo, index: number): Uint8Array | null {
    const expected = info.chunks[index];
    if (expected === undefined || !this.#files.has(name)) return null;
    const offset = index * checkpointChunkBytes;
    try {
      const bytes = this.#disk.read(name, offset, Math.min(checkpointChunkBytes, info.size - offset));
      return this.#hash.digest(bytes) === expected ? bytes : null;
    } catch {
      return null;
    }
  }

  /** The checkpoint is installed and durable. The replica's checkpoints at or below its op are removed. */
  installed(replica: ReplicaLog, info: CheckpointInfo): void {
    const staging = this.#staging.get(replica);
    if (staging !== undefined && staging.info.op <= info.op) this.#staging.delete(replica);
    for (const [file, { parsed, owner }] of this.#files) {
      if (owner !== replica) continue;
      if (parsed.op <= info.op && parsed.hash !== info.hash) this.#remove(file);
    }
  }

  /**
   * A finished checkpoint will not be installed. Its file is removed, unless the same checkpoint is being fetched or is
   * installed.
   */
  drop(replica: ReplicaLog, info: CheckpointInfo): void {
    const name = this.#nameOf(replica, info);
    if (replica.handedCheckpoint?.hash === info.hash || this.#staging.get(replica)?.name === name) return;
    if (this.#files.has(name)) this.#remove(name);
  }

  /** The replica is gone. All of its files are removed. */
  forget(replica: ReplicaLog): void {
    this.#staging.delete(replica);
    for (const [file, { owner }] of this.#files) if (owner === replica) this.#remove(file);
  }

  #remove(name: string): void {
    this.#files.delete(name);
    // A removed replica and one that was made anew under its name may have the same checkpoint. The file then belongs
    // to the later one.
    if (name === this.#sealing) return;
    // A file that could not be removed, or was never made, does no harm. The next start tries again.
    this.#disk.remove(name, () => undefined);
  }

  #nameOf(replica: ReplicaLog, info: CheckpointInfo): string {
    const { namespace, replica: name } = replica.identity;
    return checkpointName({ namespace, op: info.op, hash: info.hash, replica: name });
  }
}
