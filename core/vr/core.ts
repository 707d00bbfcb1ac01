/**
 * What all parts of one replica share: its identity, its state in the protocol, its effects, and what of all this is
 * durable. There is one part for each concern of the protocol. The parts reach each other only as parts.ts has them. The
 * core holds the parts and decides nothing itself.
 */

import { invariant } from '../base/assert.ts';
import type { Epoch, Op, View } from '../base/ids.ts';
import type { Limits } from '../base/limits.ts';
import type { Hash, Random } from '../base/ports.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import type { Configuration, Member, Viewstamp } from './configuration.ts';
import { compareViewstamps, noView, primaryOf, quorum } from './configuration.ts';
import { DiskPace } from './disk-pace.ts';
import { Log } from './log.ts';
import type { Content, Message, MessageKind, StateName } from './messages.ts';
import type { Parts } from './parts.ts';
import type {
  Effect,
  RecoveredReplica,
  ReplicaEvent,
  ReplicaIdentity,
  ReplicaStatus,
  ReplicaStorage,
  StateMachine,
  StorageBatch,
} from './ports.ts';
import type { ReplicaTimes, ReplicaTiming } from './times.ts';
import { replicaTimes } from './times.ts';

export type ReplicaLimits = Pick<
  Limits,
  | 'maxBodyBytes'
  | 'maxWindow'
  | 'maxPendingRequests'
  | 'maxPendingBytes'
  | 'maxPendingReads'
  | 'maxBatchEntries'
  | 'maxBatchBytes'
  | 'maxPipelineEntries'
>;

export interface ReplicaOptions {
  readonly recovered: RecoveredReplica;
  readonly storage: ReplicaStorage;
  /** Fresh. The replica restores it from the checkpoint and applies what is known to be committed. */
  readonly machine: StateMachine;
  readonly random: Random;
  readonly hash: Hash;
  readonly limits: ReplicaLimits;
  readonly timing: ReplicaTiming;
  /**
   * After this many bytes of log since a checkpoint, the next one is due, unless twice the state is more (protocol §6).
   */
  readonly checkpointBytes: number;
  /** How many bytes of entries an installation stages in memory before it moves the committed ones to the disk. */
  readonly stageBytes?: number;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/**
 * How many bytes of entries may wait for the disk. Above that, or when they wait for too long, a primary prepares
 * nothing, and a backup takes nothing in, as if it had been lost on the way. So a disk that is full or hangs holds up
 * only its own replica, and memory stays bounded.
 */
const maxUnsyncedBytes = 64 * 1024 * 1024;

const defaultStageBytes = 16 * 1024 * 1024;

interface Persist {
  readonly ticket: number;
  readonly bytes: number;
  /** When it was handed over, as {@link DiskPace} counts. */
  readonly atMs: number;
  readonly logView: Viewstamp | null;
  /** The head once this batch is durable, minus what later batches cut off. */
  head: Op;
  readonly checkpoint: CheckpointInfo | null;
  readonly done: (() => void)[];
}

export class Core {
  readonly identity: ReplicaIdentity;
  readonly configuration: Configuration;
  readonly quorum: number;
  readonly voters: readonly Member[];
  readonly isVoter: boolean;
  readonly storage: ReplicaStorage;
  readonly machine: StateMachine;
  readonly random: Random;
  readonly hash: Hash;
  readonly limits: ReplicaLimits;
  readonly timing: ReplicaTiming;
  readonly times: ReplicaTimes;
  readonly stageBytes: number;
  readonly log: Log;
  readonly disk: DiskPace;
  /** Since when the disk has no room for what grows, as the host says. Null while it has. */
  diskLowSince: number | null = null;
  /** What the parts offer to each other. Set once, before the first step. */
  parts!: Parts;

  now: number;
  epoch: Epoch;
  view: View;
  logView: Viewstamp;
  /** The log_view that would be left after a crash. */
  durableLogView: Viewstamp;
  status: ReplicaStatus;
  commit: Op;
  /** Everything up to here is durable, in the log as it is now. */
  durableHead: Op;
  /** Why this replica counts as down and must be rebuilt from a peer's checkpoint, or null (protocol §6). */
  down: string | null = null;

  /** Messages that were not for us, or not from their alleged sender, counted by reason (protocol §1). */
  readonly dropped = new Map<string, number>();
  #others: readonly Member[];
  #extraLearners: readonly Member[] = [];
  #effects: Effect[] = [];
  #persists: Persist[] = [];
  #unsyncedBytes = 0;
  #durableCheckpoint: CheckpointInfo | null;
  #nextTicket = 1;
  #nextNonce: number;

  constructor(options: ReplicaOptions) {
    const { recovered } = options;
    this.identity = recovered.identity;
    this.configuration = recovered.configuration;
    this.quorum = quorum(recovered.configuration);
    this.voters = recovered.configuration.voters;
    this.isVoter = this.voters.some((member) => this.isSelf(member));
    this.storage = options.storage;
    this.machine = options.machine;
    this.random = options.random;
    this.hash = options.hash;
    this.limits = options.limits;
    this.timing = options.timing;
    this.times = replicaTimes(options.timing);
    this.disk = new DiskPace(options.now, options.timing);
    this.stageBytes = options.stageBytes ?? defaultStageBytes;
    this.now = options.now;
    this.epoch = recovered.view.epoch;
    this.view = recovered.view.view;
    // Whatever log_view the store gives, a replica that cannot prove its head is in no view (protocol §2, "Proof of the
    // head").
    this.logView = recovered.headProven ? recovered.logView : noView;
    this.durableLogView = this.logView;
    this.status = 'viewChange';
    this.log = new Log(recovered, options.storage, options.hash);
    this.commit = this.log.floor();
    this.durableHead = this.log.head;
    this.#durableCheckpoint = recovered.checkpoint;
    this.#others = this.#membersBesides();
    // Nonces of an earlier life must not equal those of this one.
    this.#nextNonce = 1 + options.random.below(2 ** 40);
  }

  // The members.

  isSelf(member: Pick<Member, 'replica' | 'node' | 'incarnation'>): boolean {
    const { replica, node, incarnation } = this.identity;
    return member.replica === replica && member.node === node && member.incarnation === incarnation;
  }

  /** The member from which a message says it comes, or null for a stranger. */
  senderOf(message: Message): Member | null {
    for (const member of this.#others) {
      if (
        member.replica === message.replica &&
        member.node === message.node &&
        member.incarnation === message.incarnation
      ) {
        return member;
      }
    }
    return null;
  }

  isVoterMember(member: Member): boolean {
    return this.voters.includes(member);
  }

  /** Voters and learners, without this replica. */
  get others(): readonly Member[] {
    return this.#others;
  }

  setExtraLearners(members: readonly Member[]): void {
    this.#extraLearners = members;
    this.#others = this.#membersBesides();
  }

  #membersBesides(): readonly Member[] {
    const all = [...this.configuration.voters, ...this.configuration.learners];
    for (const learner of this.#extraLearners) {
      if (!all.some((member) => member.replica === learner.replica)) all.push(learner);
    }
    return all.filter((member) => !this.isSelf(member));
  }

  /** The primary of the current view, whether it works or not. */
  primaryMember(): Member {
    return primaryOf(this.configuration, this.view);
  }

  isPrimaryOf(view: View): boolean {
    return this.isVoter && this.isSelf(primaryOf(this.configuration, view));
  }

  /** It works as the primary of its view, abdicated or not. */
  get isPrimary(): boolean {
    return this.status === 'normal' && this.parts.primary.active;
  }

  get viewstamp(): Viewstamp {
    return { epoch: this.epoch, view: this.view };
  }

  /** log_view = view: the log belongs to this view's canonical log. */
  get inView(): boolean {
    return this.logView.view === this.view && this.logView.epoch === this.epoch;
  }

  /**
   * It can prove its head, and its state is the group's. Otherwise it takes part in nothing until it is rebuilt
   * (protocol §2, §6).
   */
  get sound(): boolean {
    return this.down === null && !this.parts.recovery.pending;
  }

  /** Whether it may acknowledge, vote and confirm the primary. */
  get counts(): boolean {
    return this.isVoter && this.sound;
  }

  // Effects.

  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  event(event: ReplicaEvent): void {
    this.#effects.push({ kind: 'event', event });
  }

  setStatus(status: ReplicaStatus): void {
    this.status = status;
    this.announce();
  }

  /** Tells the host the state of this replica. */
  announce(): void {
    const primary = this.parts.suspicion.knownPrimary()?.replica ?? null;
    this.event({ kind: 'status', status: this.status, viewstamp: this.viewstamp, primary });
  }

  send(to: Member, content: Content): void {
    invariant(!this.isSelf(to), 'a replica sends nothing to itself', { kind: content.kind });
    this.#effects.push({ kind: 'send', to, message: this.#addressed(to, content) });
  }

  sendToOthers(content: Content): void {
    for (const member of this.#others) this.send(member, content);
  }

  sendToVoters(content: Content): void {
    for (const member of this.voters) if (!this.isSelf(member)) this.send(member, content);
  }

  #addressed(to: Member, content: Content): Message {
    const { cluster, namespace, replica, node, incarnation } = this.identity;
    const { epoch, view } = this;
    // A union of contents, each with the same envelope, is the union of messages. The envelope comes first: engines are
    // slow to make an object with many named properties after a spread, which cost microseconds for each message.
    return { cluster, namespace, replica, node, incarnation, to: to.replica, epoch, view, ...content };
  }

  nonce(): number {
    return this.#nextNonce++;
  }

  drop(reason: string): void {
    const count = this.dropped.get(reason) ?? 0;
    this.dropped.set(reason, count + 1);
    // The first of a kind is reported. Later ones are only counted.
    if (count === 0) this.event({ kind: 'dropped', reason });
  }

  /** A message that no honest replica sends was not believed (judgement.ts). It is counted, and reported once. */
  refuse(from: Member, said: MessageKind, reason: string): void {
    const key = `${said}: ${reason}`;
    const count = this.dropped.get(key) ?? 0;
    this.dropped.set(key, count + 1);
    if (count === 0) this.event({ kind: 'refused', from: from.replica, said, reason });
  }

  // Durability.

  /** Hands over a batch. The log in memory already has what this batch does. */
  persist(batch: StorageBatch, done?: () => void): void {
    const ticket = this.#nextTicket++;
    this.#effects.push({ kind: 'persist', ticket, batch });
    if (batch.truncateFrom !== undefined) this.#cut(batch.truncateFrom - 1);
    const checkpoint = batch.checkpoint ?? null;
    const logView = batch.logView ?? null;
    const waiting = done === undefined ? [] : [done];
    let bytes = 0;
    for (const entry of batch.entries) bytes += entry.bytes.length;
    this.#unsyncedBytes += bytes;
    const { awakeMs: atMs } = this.disk;
    this.#persists.push({ ticket, bytes, atMs, logView, head: this.log.head, checkpoint, done: waiting });
  }

  /** No more entries may wait for the disk. */
  get congested(): boolean {
    if (this.#unsyncedBytes >= maxUnsyncedBytes) return true;
    const oldest = this.#persists[0];
    return oldest !== undefined && this.disk.awakeMs - oldest.atMs >= this.times.diskBehindMs;
  }

  /** Something that was handed over is not durable yet. */
  get unsynced(): boolean {
    return this.#persists.length > 0;
  }

  /** Runs `done` once everything handed over so far is durable, or at once when it is already. */
  whenDurable(done: () => void): void {
    const last = this.#persists.at(-1);
    if (last === undefined) done();
    else last.done.push(done);
  }

  durable(ticket: number): void {
    const persist = this.#persists.shift();
    invariant(persist?.ticket === ticket, 'batches become durable in order', { ticket, expected: persist?.ticket });
    this.disk.progressed();
    this.#unsyncedBytes -= persist.bytes;
    if (persist.head > this.durableHead) this.durableHead = persist.head;
    if (persist.logView !== null) this.durableLogView = persist.logView;
    if (persist.checkpoint !== null) this.#durableCheckpoint = persist.checkpoint;
    for (const done of persist.done) done();
  }

  #cut(head: Op): void {
    if (this.durableHead > head) this.durableHead = head;
    for (const persist of this.#persists) if (persist.head > head) persist.head = head;
  }

  /**
   * The op up to which this replica may vouch for its log in the current view; 0 when it may not at all (protocol §2).
   */
  acknowledgeable(): Op {
    // log_view = view must be durable too. If the log was kept as it was, its entries may have been durable long
    // before.
    if (!this.inView || !this.counts || compareViewstamps(this.durableLogView, this.viewstamp) !== 0) return 0;
    const corrupt = this.log.corruptCount === 0 ? null : this.log.lowestCorrupt();
    return corrupt === null ? this.durableHead : Math.min(this.durableHead, corrupt - 1);
  }

  // Commit.

  /** Takes over a commit number of the current view. It never goes down (protocol §3). */
  learnCommit(op: Op): void {
    const commit = Math.min(op, this.log.head);
    if (commit <= this.commit) return;
    this.commit = commit;
    this.parts.execution.run();
  }

  /** The checkpoint that peers and the host are told about: one that a crash cannot take back (protocol §2). */
  get checkpointName(): StateName | null {
    const info = this.#durableCheckpoint;
    return info === null ? null : { op: info.op, hash: info.hash };
  }
}
