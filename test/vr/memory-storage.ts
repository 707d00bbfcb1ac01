/** A replica's durable storage in memory. Batches become durable when a test says so, and a crash loses the others. */

import type { Hash } from '../../core/base/ports.ts';
import type { CheckpointInfo } from '../../core/vr/checkpoint.ts';
import { checkpointChunkBytes, sealCheckpoint } from '../../core/vr/checkpoint.ts';
import { compareViewstamps } from '../../core/vr/configuration.ts';
import type { Configuration, Viewstamp } from '../../core/vr/configuration.ts';
import type { Entry, EntryName } from '../../core/vr/entry.ts';
import { nameOf } from '../../core/vr/entry.ts';
import type {
  CheckpointDraft,
  RecoveredReplica,
  ReplicaIdentity,
  ReplicaStorage,
  Snapshot,
  StorageBatch,
} from '../../core/vr/ports.ts';

interface State {
  configuration: Configuration;
  view: Viewstamp;
  logView: Viewstamp;
  checkpoint: CheckpointInfo | null;
  head: number;
  first: number;
  entries: Map<number, Entry>;
}

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`storage: ${what}`);
}

function apply(state: State, batch: StorageBatch): void {
  if (batch.configuration !== undefined) state.configuration = batch.configuration;
  if (batch.view !== undefined) {
    must(compareViewstamps(batch.view, state.view) >= 0, 'a view went down');
    state.view = batch.view;
  }
  if (batch.logView !== undefined) {
    must(compareViewstamps(batch.logView, state.logView) >= 0, 'a log_view went down');
    state.logView = batch.logView;
  }
  if (batch.checkpoint !== undefined) {
    must(batch.checkpoint.op >= (state.checkpoint?.op ?? 0), 'a checkpoint went back');
    state.checkpoint = batch.checkpoint;
  }
  if (batch.truncateFrom !== undefined) {
    for (const op of state.entries.keys()) if (op >= batch.truncateFrom) state.entries.delete(op);
    state.head = Math.min(state.head, batch.truncateFrom - 1);
  }
  if (batch.checkpoint !== undefined && batch.checkpoint.op > state.head) {
    must(batch.shortenTo === batch.checkpoint.op, 'a checkpoint above the head comes with shortenTo');
    state.entries.clear();
    state.head = batch.checkpoint.op;
    state.first = state.head + 1;
  }
  for (const entry of batch.entries) {
    must(entry.op >= state.first && entry.op <= state.head + 1, `entry ${entry.op} leaves a hole above ${state.head}`);
    state.entries.set(entry.op, entry);
    state.head = Math.max(state.head, entry.op);
  }
  if (batch.shortenTo !== undefined) {
    must(batch.shortenTo <= (state.checkpoint?.op ?? 0), 'shortened above the checkpoint');
    for (const op of state.entries.keys()) if (op <= batch.shortenTo) state.entries.delete(op);
    state.first = Math.max(state.first, batch.shortenTo + 1);
  }
}

export class MemoryStorage implements ReplicaStorage {
  readonly #identity: ReplicaIdentity;
  readonly #hash: Hash;
  #durable: State;
  #handed: State;
  #queue: { readonly ticket: number; readonly batch: StorageBatch }[] = [];
  readonly #corrupt = new Map<number, EntryName>();
  readonly #chunks = new Map<string, Uint8Array>();
  /** Hashes of the checkpoints that were fetched, whole or in part. */
  readonly #staging = new Set<string>();
  headProven = true;
  /** Remembers the states before the last batches, for {@link loseBatches}. */
  keepsHistory = false;
  #history: State[] = [];
  /** Batches were lost. What it acknowledged may be gone. */
  lostBatches = false;
  readonly unreadableChunks = new Set<number>();

  constructor(identity: ReplicaIdentity, configuration: Configuration, hash: Hash) {
    this.#identity = identity;
    this.#hash = hash;
    const zero = { epoch: configuration.epoch, view: 0 };
    const state: State = {
      configuration,
      view: zero,
      logView: zero,
      checkpoint: null,
      head: 0,
      first: 1,
      entries: new Map(),
    };
    this.#durable = state;
    this.#handed = { ...state, entries: new Map() };
  }

  entry(op: number): Entry | null {
    return this.#corrupt.has(op) ? null : (this.#handed.entries.get(op) ?? null);
  }

  chunk(op: number, index: number): Uint8Array | null {
    const info = this.#handed.checkpoint;
    if (info?.op !== op || this.unreadableChunks.has(index)) return null;
    return this.#chunks.get(`${info.hash} ${index}`) ?? null;
  }

  staged(checkpoint: CheckpointInfo, index: number): boolean {
    return !this.unreadableChunks.has(index) && this.#chunks.has(`${checkpoint.hash} ${index}`);
  }

  stage(checkpoint: CheckpointInfo, index: number, bytes: Uint8Array): void {
    this.#staging.add(checkpoint.hash);
    this.#chunks.set(`${checkpoint.hash} ${index}`, bytes);
    this.unreadableChunks.delete(index);
  }

  /** Writes a whole checkpoint at once. `spoil` makes its content differ from the state. */
  write(draft: CheckpointDraft, snapshot: Snapshot, spoil = ''): CheckpointInfo {
    const pieces: Uint8Array[] = [];
    for (let piece = snapshot.next(65_536); piece !== null; piece = snapshot.next(65_536)) pieces.push(piece);
    const bytes = new Uint8Array(Buffer.concat([...pieces, Buffer.from(spoil)]));
    const chunks: string[] = [];
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += checkpointChunkBytes) {
      const part = bytes.slice(at, at + checkpointChunkBytes);
      parts.push(part);
      chunks.push(this.#hash.digest(part));
    }
    const info = sealCheckpoint({ ...draft, size: bytes.length, chunks }, this.#hash);
    parts.forEach((part, index) => this.#chunks.set(`${info.hash} ${index}`, part));
    return info;
  }

  /** A finished checkpoint will not be installed. */
  drop(info: CheckpointInfo): void {
    if (this.#handed.checkpoint?.hash === info.hash || this.#staging.has(info.hash)) return;
    for (const key of this.#chunks.keys()) if (key.startsWith(info.hash)) this.#chunks.delete(key);
  }

  persist(ticket: number, batch: StorageBatch): void {
    apply(this.#handed, batch);
    for (const entry of batch.entries) {
      const name = this.#corrupt.get(entry.op);
      if (name !== undefined && name.checksum === entry.checksum) this.#corrupt.delete(entry.op);
    }
    if (batch.truncateFrom !== undefined)
      for (const op of this.#corrupt.keys()) if (op >= batch.truncateFrom) this.#corrupt.delete(op);
    this.#queue.push({ ticket, batch });
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Makes the oldest batch durable. */
  sync(): number {
    const next = this.#queue.shift();
    if (next === undefined) throw new Error('storage: nothing to sync');
    if (this.keepsHistory) {
      this.#history.push({ ...this.#durable, entries: new Map(this.#durable.entries) });
      if (this.#history.length > 8) this.#history.shift();
    }
    apply(this.#durable, next.batch);
    if (next.batch.logView !== undefined) this.headProven = true;
    return next.ticket;
  }

  /** Loses what is not durable. */
  crash(): void {
    this.#queue = [];
    this.#handed = { ...this.#durable, entries: new Map(this.#durable.entries) };
  }

  /** Makes the record of `op` unreadable. The batch after it still gives its name. */
  rot(op: number): void {
    const entry = this.#durable.entries.get(op);
    if (entry === undefined) throw new Error(`storage: there is no entry ${op}`);
    this.#corrupt.set(op, nameOf(entry));
  }

  /**
   * Loses the last batches whole, including their promises, and cannot say so. What the checkpoint covers is never
   * lost. With `promises`, only what they did to the log is lost: a later part repeats view and log_view over a tail
   * that is older (V27).
   */
  loseBatches(count: number, promises = false): void {
    const before = this.#history.at(-count);
    if (before === undefined) return;
    const { view, logView } = promises ? this.#durable : before;
    this.#durable = { ...before, view, logView, entries: new Map(before.entries) };
    this.#history = [];
    this.lostBatches = true;
    for (const [op, name] of this.#corrupt)
      if (this.#durable.entries.get(op)?.checksum !== name.checksum) this.#corrupt.delete(op);
    this.headProven = false;
    this.crash();
  }

  /**
   * Loses the newest entries, as if their batches could not be read, and as if nothing proved that they never existed.
   */
  loseTail(from: number): void {
    apply(this.#durable, { truncateFrom: from, entries: [] });
    this.headProven = false;
    this.crash();
  }

  get durableView(): Viewstamp {
    return this.#durable.view;
  }
  get durableLogView(): Viewstamp {
    return this.#durable.logView;
  }
  get durableHead(): number {
    return this.#durable.head;
  }

  /**
   * The checksum that is durably held at `op`, rotten or not: what was acknowledged and rots later was durable. Null
   * when it is absent, `checkpoint` when a checkpoint covers it.
   */
  held(op: number): string | null {
    if (op <= (this.#durable.checkpoint?.op ?? 0)) return 'checkpoint';
    return this.#durable.entries.get(op)?.checksum ?? null;
  }

  /**
   * The lowest entry above the checkpoint that cannot be read, or null. What a checkpoint covers is committed, whether
   * it is durable or not.
   */
  get lowestRotten(): number | null {
    const { first, checkpoint } = this.#handed;
    const ops = [...this.#corrupt.keys()].filter((op) => op >= first && op > (checkpoint?.op ?? 0));
    return ops.length === 0 ? null : Math.min(...ops);
  }

  isRotten(op: number): boolean {
    return this.#corrupt.has(op);
  }

  recovered(): RecoveredReplica {
    const { configuration, view, logView, checkpoint, head, first } = this.#durable;
    const corrupt = [...this.#corrupt.values()].filter((name) => name.op >= first && name.op <= head);
    const { headProven } = this;
    return { identity: this.#identity, configuration, view, logView, checkpoint, head, first, corrupt, headProven };
  }
}
