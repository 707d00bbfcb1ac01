/**
 * A node's durable memory: one log for all of its replicas, their checkpoints, and a small record of the node's own
 * (protocol §2, §6; architecture §2, "One sync for all"). The other files of this directory are its parts; this file
 * puts them together.
 */

import { invariant } from '../base/assert.ts';
import type { Writer } from '../base/bytes.ts';
import { emptyBytes, hexFromBytes } from '../base/bytes.ts';
import type { Checksum, Incarnation, NamespaceId, Op } from '../base/ids.ts';
import type { Disk, DiskError } from '../base/ports.ts';
import type { CheckpointInfo } from '../vr/checkpoint.ts';
import { noView } from '../vr/configuration.ts';
import type { Configuration } from '../vr/configuration.ts';
import type { Entry } from '../vr/entry.ts';
import type {
  CheckpointDraft,
  RecoveredReplica,
  ReplicaIdentity,
  ReplicaStorage,
  Snapshot,
  StorageBatch,
} from '../vr/ports.ts';
import { Checkpoints } from './checkpoints.ts';
import { Compaction } from './compaction.ts';
import { EntryReader } from './entry-reader.ts';
import { Floor, emptyFloor, floorAfter, readFloor, unknownFloor } from './floor.ts';
import { defaultSegmentBytes, StoreError, trailAfterMs } from './format.ts';
import { formatStore, mendIdentity, readIdentity, syncFound, tellDamage } from './identity.ts';
import { LogWriter } from './log-writer.ts';
import type { WrittenBatch } from './log-writer.ts';
import type { SizedReplica, StoreOptions, StorePorts, StoreStats } from './options.ts';
import { changeSize, stateSize, writeChange, writeWhole } from './parts.ts';
import type { ReplicaState } from './parts.ts';
import { replicaKey } from './recovered.ts';
import { Recovery } from './recovery.ts';
import { ReplicaLog, firstTurn } from './replica-log.ts';
import { Segments } from './segments.ts';

export { StoreError } from './format.ts';

export type { SizedReplica, StoreOptions, StorePorts, StoreStats } from './options.ts';

export class Store {
  readonly incarnation: Incarnation;
  /** True when this call found an empty directory and drew the incarnation. */
  readonly formatted: boolean;
  /**
   * True when this store's log, which said what its node belongs to, is gone. The node then answers and votes for
   * nothing under its incarnation (protocol §2, "Strangers").
   */
  readonly emptied: boolean;
  /** True when the segments are another store's. */
  readonly foreign: boolean;
  readonly #disk: Disk;
  readonly #options: StoreOptions;
  readonly #segments: Segments;
  readonly #floor: Floor;
  /** What the written batches brought and the floor may not say yet. */
  #brought: { recorded: boolean; peopled: boolean } = { recorded: false, peopled: false };
  readonly #writer: LogWriter;
  readonly #checkpoints: Checkpoints;
  readonly #compaction: Compaction;
  readonly #reader: EntryReader;
  readonly #replicas: Map<string, ReplicaLog>;
  readonly #recovered: readonly RecoveredReplica[];
  /** The node's record as it is in batches, and as it was handed over. */
  #loggedRecord: Uint8Array | null;
  #record: Uint8Array | null;
  #roster: number;
  readonly #rosterProven: boolean;
  #dead = false;
  #closing: (() => void) | null = null;

  /**
   * Takes the directory, formats it when it is empty, and recovers what it holds, all synchronously.
   * @throws {@link StoreError}, with text for the operator, when it is another's, of another release, or beyond use.
   */
  static open(ports: StorePorts, options: StoreOptions): Store {
    try {
      ports.disk.lock();
    } catch (error) {
      throw error instanceof StoreError ? error : new StoreError(messageOf(error));
    }
    try {
      syncFound(ports.disk);
      return new Store(ports, options);
    } catch (error) {
      ports.disk.unlock();
      throw error;
    }
  }

  private constructor(ports: StorePorts, options: StoreOptions) {
    const { disk, hash, random, log } = ports;
    this.#disk = disk;
    this.#options = options;
    const failed = (error: DiskError): void => this.#fail(error);
    this.#segments = new Segments(disk, options.segmentBytes ?? defaultSegmentBytes, {
      failed,
      rested: () => this.#finishClosing(),
      refused: (what, { message }) =>
        log.write('warn', `the disk refuses ${what}, and is asked again; the log goes on`, { problem: message }),
    });
    const names = disk.list().map(({ name }) => name);
    const found = readIdentity(disk, names);
    this.formatted = found === null;
    const identity = found ?? { incarnation: hexFromBytes(random.bytes(16)), seal: hexFromBytes(random.bytes(16)) };
    this.incarnation = identity.incarnation;
    const foundFloor = readFloor(disk, names, identity);
    const told = found === null ? emptyFloor : foundFloor.state;
    tellDamage(log, found, foundFloor.damaged);
    const recovered = new Recovery(disk, hash, log, this.#segments).run(identity.seal, told);
    this.foreign = recovered.foreign;
    this.emptied = recovered.record === null && (told ?? unknownFloor).recorded;
    const rested = (): void => this.#finishClosing();
    this.#floor = new Floor({ disk, identity, found: foundFloor, state: floorAfter(told, recovered), failed, rested });
    this.#replicas = recovered.replicas;
    this.#loggedRecord = recovered.record;
    this.#record = recovered.record;
    this.#roster = recovered.roster;
    this.#rosterProven = recovered.rosterProven;
    if (recovered.resumeAt !== null) this.#segments.resume(recovered.resumeAt.segment);
    this.#reader = new EntryReader(disk, hash, this.#segments);
    const soon = options.soon ?? null;
    this.#writer = new LogWriter(
      disk,
      this.#segments,
      identity.seal,
      {
        sequence: recovered.sequence,
        offset: recovered.resumeAt?.offset ?? 0,
        echo: recovered.echo,
        echoDistance: recovered.echoDistance,
      },
      {
        now: options.now,
        soon,
        trailAfterMs: options.trailAfterMs ?? trailAfterMs / 5,
        manifestSize: () => this.#manifestSize(),
        writeManifest: (body, echo, opening) => this.#writeManifest(body, echo, opening),
        roster: () => this.#roster,
        mayBegin: (segment, ready) => this.#mayBegin(segment, ready),
        durable: (batch, then) => this.#batchDurable(batch, then),
        failed,
        settled: () => this.#settled(),
      },
    );
    this.#checkpoints = new Checkpoints(disk, hash, {
      now: options.now,
      soon,
      dropped: (error) =>
        log.write(
          'warn',
          'a checkpoint could not be written and is given up; the log keeps the entries that it would have replaced',
          {
            problem: error.message,
          },
        ),
    });
    this.#compaction = new Compaction(
      this.#segments,
      log,
      (replica, op) => this.#reader.read(replica.index, op),
      (part) => this.#writer.add(part),
    );
    this.#recovered = [...this.#replicas.values()].map((log) => log.recovered());
    // A store that lost its log writes and removes nothing. When the log is put back, all else is as it left it.
    if (this.emptied) return;
    this.#checkpoints.recover(names, ({ namespace, replica }) => this.#replicas.get(replicaKey(namespace, replica)));
    // The floor is written first: every store has had one.
    const format = (): void =>
      formatStore(disk, identity, (error) => {
        if (error === null) this.#writer.start();
        else this.#floor.refused(error, format);
      });
    this.#floor.write(() => {
      if (found === null) format();
      else mendIdentity(disk, log, found, () => this.#writer.start());
    });
  }

  #mayBegin(segment: number, ready: () => void): boolean {
    if (segment <= this.#floor.state.begun) return true;
    this.#floor.raise({ begun: segment }, ready);
    return false;
  }

  /** Nothing acts on the first record or replica before the floor says that there was one. The rest may follow. */
  #batchDurable({ sequence, segment, opening }: WrittenBatch, then: () => void): void {
    const reached = { confirmed: segment, reached: sequence };
    const { recorded, peopled } = this.#brought;
    const { state } = this.#floor;
    const news = (recorded && !state.recorded) || (peopled && !state.peopled);
    if (news) return this.#floor.raise({ ...reached, recorded, peopled }, then);
    if (opening || segment > state.confirmed) this.#floor.raise(reached);
    then();
  }

  /** False when damage may have lost unknown replicas: then those made now cannot prove their head either. */
  get rosterProven(): boolean {
    return this.#rosterProven;
  }

  /** The node's own record, as last handed over. */
  nodeRecord(): Uint8Array | null {
    return this.#record;
  }

  /** Replaces the node's record. Calls `done` once that is durable. */
  setNodeRecord(bytes: Uint8Array, done: () => void): void {
    const record = bytes.slice();
    this.#record = record;
    this.#writer.add({
      size: record.length + 16,
      write: (body, echo) => {
        this.#loggedRecord = record;
        this.#brought.recorded = true;
        writeWhole(body, echo, { kind: 'node', record });
      },
      done,
    });
  }

  /** The replicas that recovery found, without those that were made since. */
  replicas(): readonly RecoveredReplica[] {
    return this.#recovered;
  }

  /** Makes an empty replica. Calls `done` once that is durable. */
  createReplica(identity: ReplicaIdentity, configuration: Configuration, done: () => void): RecoveredReplica {
    const key = replicaKey(identity.namespace, identity.replica);
    invariant(!this.#replicas.has(key), 'a replica is made once', { replica: key });
    const start = { epoch: configuration.epoch, view: 0 };
    const state: ReplicaState = {
      identity,
      configuration,
      turn: firstTurn(this.#writer.lastSequence),
      view: start,
      logView: this.#rosterProven ? start : noView,
      checkpoint: null,
      first: 1,
      head: 0,
      headProven: this.#rosterProven,
      doubt: this.#rosterProven ? '' : 'it was made while damage may have lost replicas of this node',
      corrupt: [],
    };
    const replica = new ReplicaLog(state, this.#segments.pin);
    replica.logged = false;
    this.#replicas.set(key, replica);
    this.#writer.add({
      size: stateSize(state),
      write: (body, echo) => {
        this.#roster++;
        replica.logged = true;
        this.#brought.peopled = true;
        writeWhole(body, echo, { kind: 'create', state });
      },
      done,
    });
    return replica.recovered();
  }

  /** Removes a replica, its log and its checkpoints. Calls `done` once that is durable. */
  removeReplica(namespace: NamespaceId, replica: string, done: () => void): void {
    const log = this.#replica(namespace, replica);
    log.removed = true;
    this.#replicas.delete(replicaKey(namespace, replica));
    this.#departing.add(log);
    this.#writer.add({
      size: 96,
      write: (body, echo) => {
        this.#roster++;
        this.#departing.delete(log);
        log.index.reset(1);
        writeWhole(body, echo, { kind: 'remove', namespace, replica });
      },
      done: () => {
        this.#checkpoints.forget(log);
        done();
      },
    });
  }

  /** Removed replicas whose removal is not logged yet. Manifests still name them. */
  readonly #departing = new Set<ReplicaLog>();

  /** Logs a replica's batch, whole or not at all. Calls `done` in the order of the calls, once it is durable. */
  persist(namespace: NamespaceId, replica: string, batch: StorageBatch, done: () => void): void {
    const log = this.#replica(namespace, replica);
    const checkpoint = batch.checkpoint ?? null;
    const resets = checkpoint !== null && this.#checksumAt(log, checkpoint.op) !== checkpoint.checksum;
    log.hand(batch, resets);
    this.#writer.add({
      size: changeSize(batch),
      write: (body, echo, segment, offset) => {
        const head = {
          namespace,
          replica,
          turn: log.turn + 1,
          view: batch.view ?? log.view,
          logView: batch.logView ?? log.logView,
          installs: batch.logView !== undefined,
          configuration: batch.configuration ?? null,
          checkpoint,
          resets,
          truncateFrom: batch.truncateFrom ?? null,
          shortenTo: batch.shortenTo ?? null,
        };
        log.begin(head);
        writeChange(body, echo, head, batch.entries, (entry, at) => {
          log.place(entry.op, segment, offset + at, entry.bytes.length);
        });
        log.finish(head.shortenTo);
      },
      done: () => {
        log.durable(batch.entries);
        if (checkpoint !== null && !log.removed) this.#checkpoints.installed(log, checkpoint);
        done();
      },
    });
  }

  /** Begins the next batch now if the log is idle. For hosts that know when a turn ends; others leave it to `soon`. */
  flush(): void {
    this.#writer.flush();
  }

  /** What a replica reads back: what is durable, and what it handed over to be made durable. */
  storageOf(namespace: NamespaceId, replica: string): ReplicaStorage {
    const log = this.#replica(namespace, replica);
    return {
      entry: (op) => this.#entry(log, op),
      chunk: (op, index) => {
        const info = log.handedCheckpoint;
        return info?.op === op ? this.#checkpoints.chunk(log, info, index) : null;
      },
      staged: (checkpoint, index) => this.#checkpoints.staged(log, checkpoint, index),
    };
  }

  /**
   * Writes a checkpoint's file in slices of a few milliseconds. Calls `done` once a batch can install the file, or with
   * null when the disk refused it.
   */
  writeCheckpoint(
    namespace: NamespaceId,
    replica: string,
    draft: CheckpointDraft,
    snapshot: Snapshot,
    done: (info: CheckpointInfo | null) => void,
  ): void {
    this.#checkpoints.write(this.#replica(namespace, replica), draft, snapshot, done);
  }

  /** A finished checkpoint will not be installed. */
  dropCheckpoint(namespace: NamespaceId, replica: string, checkpoint: CheckpointInfo): void {
    this.#checkpoints.drop(this.#replica(namespace, replica), checkpoint);
  }

  /** Keeps a chunk of a checkpoint that is being fetched. Calls `done` once it is durable, or will never be. */
  stageChunk(
    namespace: NamespaceId,
    replica: string,
    checkpoint: CheckpointInfo,
    index: number,
    bytes: Uint8Array,
    done: (staged: boolean) => void,
  ): void {
    this.#checkpoints.stage(this.#replica(namespace, replica), checkpoint, index, bytes, done);
  }

  /** Tells the store the time. Call it every few milliseconds. */
  tick(now: number): void {
    if (this.#dead) return;
    this.#writer.tick(now);
    this.#segments.tick(now);
    this.#floor.tick(now);
    this.#checkpoints.tick();
    this.#compaction.consider(this.#replicas.values());
  }

  /** Why the disk refuses what the log will need or waits for, so that nothing that grows may be added; or null. */
  get refusal(): DiskError | null {
    return this.#segments.refusal ?? this.#floor.refusal;
  }

  /**
   * How many free bytes all replicas need to go on: a checkpoint of the largest is written beside its last one, each
   * state may have grown since its last checkpoint, and the log may need another segment or two.
   */
  roomFor(replicas: Iterable<SizedReplica>): number {
    let largest = 0;
    let growth = 0;
    for (const { namespaceId, replicaName, machine } of replicas) {
      // An encoded state is a little larger than the size that it counts.
      const whole = Math.ceil(machine.size() * 1.25) + 64 * 1024;
      largest = Math.max(largest, whole);
      growth += Math.max(0, whole - (this.#replicas.get(replicaKey(namespaceId, replicaName))?.checkpoint?.size ?? 0));
    }
    return largest + growth + 2 * (this.#options.segmentBytes ?? defaultSegmentBytes);
  }

  /** What the log has given to its disk. A disk that refuses has answered. */
  get work(): { readonly waits: boolean; readonly batches: number } {
    return { waits: this.#writer.waits && this.refusal === null, batches: this.#writer.stats().batches };
  }

  stats(): StoreStats {
    return {
      segments: this.#segments.count,
      segmentBytes: this.#segments.totalBytes(),
      ...this.#writer.stats(),
      copiedEntries: this.#compaction.copiedEntries,
      checkpointsBeingWritten: this.#checkpoints.writing,
    };
  }

  /** Makes everything that was handed over durable, then gives the directory back. Nothing may be handed over later. */
  close(done: () => void): void {
    this.#closing = done;
    this.#finishClosing();
  }

  #finishClosing(): void {
    const done = this.#closing;
    const ended = this.#dead || this.emptied;
    if (done === null || (!ended && (!this.#writer.idle || this.#segments.busy || this.#floor.busy))) return;
    if (!ended && this.#floor.state.reached < this.#writer.lastSequence) {
      // A node that stops properly records that its whole log was there.
      return this.#floor.raise({ reached: this.#writer.lastSequence });
    }
    this.#closing = null;
    this.#dead = true;
    this.#writer.stop();
    this.#checkpoints.stop();
    this.#disk.unlock();
    done();
  }

  #settled(): void {
    this.#compaction.consider(this.#replicas.values());
    this.#finishClosing();
  }

  #fail(error: DiskError): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#writer.stop();
    this.#checkpoints.stop();
    this.#options.onFailure(error);
  }

  #replica(namespace: NamespaceId, replica: string): ReplicaLog {
    const log = this.#replicas.get(replicaKey(namespace, replica));
    invariant(log !== undefined, 'a replica is made before it is used', { namespace, replica });
    return log;
  }

  #entry(log: ReplicaLog, op: Op): Entry | null {
    if (!log.holds(op)) return null;
    return log.waiting(op) ?? this.#reader.read(log.index, op);
  }

  #checksumAt(log: ReplicaLog, op: Op): Checksum | null {
    if (!log.holds(op)) return null;
    return this.#entry(log, op)?.checksum ?? log.corrupt.get(op)?.checksum ?? null;
  }

  *#logged(): Iterable<ReplicaLog> {
    for (const replica of this.#replicas.values()) if (replica.logged) yield replica;
    for (const replica of this.#departing) if (replica.logged) yield replica;
  }

  #manifestSize(): number {
    let size = (this.#loggedRecord ?? emptyBytes).length + 64;
    // The batch that the manifest opens may hold parts that make replicas. Those parts write their own state.
    for (const replica of this.#logged()) size += stateSize(replica.state());
    return size;
  }

  #writeManifest(body: Writer, echo: Writer, opening: boolean): void {
    writeWhole(body, echo, {
      kind: 'manifest',
      opening,
      record: this.#loggedRecord,
      roster: this.#roster,
      rosterProven: this.#rosterProven,
      replicas: Array.from(this.#logged(), (replica) => replica.state()),
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
