/**
 * What all parts of one replica share: who it is, where it stands, what it wants done, and what of it is durable. The parts, one
 * for each concern of the protocol, hang on it, and meet each other only as parts.ts has them; it decides nothing itself.
 */

import { invariant } from '../base/assert.ts';
import type { Limits } from '../base/limits.ts';
import type { Hash, Random } from '../base/ports.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import type { Configuration, Member, Viewstamp } from './configuration.ts';
import { compareViewstamps, noView, primaryOf, quorum } from './configuration.ts';
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
  /** Fresh: the replica restores it from the checkpoint and applies what is known to be committed. */
  readonly machine: StateMachine;
  readonly random: Random;
  readonly hash: Hash;
  readonly limits: ReplicaLimits;
  readonly timing: ReplicaTiming;
  /** Bytes of log since a checkpoint that make the next one due, unless twice the state is more (protocol §6). */
  readonly checkpointBytes: number;
  /** Bytes of entries that an installation stages in memory before what is committed of them goes to the disk. */
  readonly stageBytes?: number;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/**
 * Bytes of entries that may wait for the disk. Beyond them a primary prepares nothing and a backup takes nothing in, as if it had been
 * lost on the way: a disk that is full or hangs holds its own replica up, and costs no memory without end.
 */
const maxUnsyncedBytes = 64 * 1024 * 1024;

const defaultStageBytes = 16 * 1024 * 1024;

interface Persist {
  readonly ticket: number;
  readonly bytes: number;
  readonly logView: Viewstamp | null;
  /** The head once this batch is durable, less what later batches cut off. */
  head: number;
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
  /** What the parts offer to each other. Set once, before the first step. */
  parts!: Parts;

  now: number;
  epoch: number;
  view: number;
  logView: Viewstamp;
  /** The log_view that a crash would leave. */
  durableLogView: Viewstamp;
  status: ReplicaStatus;
  commit: number;
  /** Everything up to here is durable, as far as the log as it is now goes. */
  durableHead: number;
  /** Why this replica counts as down and must be rebuilt from a peer's checkpoint, or null (protocol §6). */
  down: string | null = null;

  /** Messages that were not for us or not from whom they said, by reason (protocol §1). */
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
    this.stageBytes = options.stageBytes ?? defaultStageBytes;
    this.now = options.now;
    this.epoch = recovered.view.epoch;
    this.view = recovered.view.view;
    // Whatever the store says of the log_view: who cannot prove the head is in no view (protocol §2, "Proof of the head").
    this.logView = recovered.headProven ? recovered.logView : noView;
    this.durableLogView = this.logView;
    this.status = 'viewChange';
    this.log = new Log(recovered, options.storage, options.hash);
    this.commit = this.log.floor();
    this.durableHead = this.log.head;
    this.#durableCheckpoint = recovered.checkpoint;
    this.#others = this.#membersBesides();
    // Nonces of an earlier life must not meet those of this one.
    this.#nextNonce = 1 + options.random.below(2 ** 40);
  }

  // Who is who.

  isSelf(member: Pick<Member, 'replica' | 'node' | 'incarnation'>): boolean {
    const { replica, node, incarnation } = this.identity;
    return member.replica === replica && member.node === node && member.incarnation === incarnation;
  }

  /** The member that a message says it is from, or null for a stranger. */
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

  /** The primary of the current view, working or not. */
  primaryMember(): Member {
    return primaryOf(this.configuration, this.view);
  }

  isPrimaryOf(view: number): boolean {
    return this.isVoter && this.isSelf(primaryOf(this.configuration, view));
  }

  /** It works as the primary of its view, abdicated or not. */
  get isPrimary(): boolean {
    return this.status === 'normal' && this.parts.primary.active;
  }

  get viewstamp(): Viewstamp {
    return { epoch: this.epoch, view: this.view };
  }

  /** log_view = view: what is in the log is of this view's canonical log. */
  get inView(): boolean {
    return this.logView.view === this.view && this.logView.epoch === this.epoch;
  }

  /** It can prove its head, and its state is the group's: else it takes part in nothing until it is rebuilt (protocol §2, §6). */
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

  /** Tells the outside where this replica stands. */
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
    // The union of contents with one and the same envelope is the union of messages. The envelope comes first, because engines make an
    // object slowly, and a slow one, of many named properties behind a spread: that took microseconds a message.
    return { cluster, namespace, replica, node, incarnation, to: to.replica, epoch, view, ...content };
  }

  nonce(): number {
    return this.#nextNonce++;
  }

  drop(reason: string): void {
    const count = this.dropped.get(reason) ?? 0;
    this.dropped.set(reason, count + 1);
    // The first of a kind is news; the others are counted.
    if (count === 0) this.event({ kind: 'dropped', reason });
  }

  /** A message that no honest replica sends was not believed (judgement.ts): counted, and told once. */
  refuse(from: Member, said: MessageKind, reason: string): void {
    const key = `${said}: ${reason}`;
    const count = this.dropped.get(key) ?? 0;
    this.dropped.set(key, count + 1);
    if (count === 0) this.event({ kind: 'refused', from: from.replica, said, reason });
  }

  // Durability.

  /** Hands over a batch. The log in memory already is as this batch makes it. */
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
    this.#persists.push({ ticket, bytes, logView, head: this.log.head, checkpoint, done: waiting });
  }

  /** As many entries wait for the disk as may. */
  get congested(): boolean {
    return this.#unsyncedBytes >= maxUnsyncedBytes;
  }

  /** Something was handed over that is not durable yet. */
  get unsynced(): boolean {
    return this.#persists.length > 0;
  }

  /** Runs `done` once everything handed over so far is durable; at once when it is. */
  whenDurable(done: () => void): void {
    const last = this.#persists.at(-1);
    if (last === undefined) done();
    else last.done.push(done);
  }

  durable(ticket: number): void {
    const persist = this.#persists.shift();
    invariant(persist?.ticket === ticket, 'batches become durable in order', { ticket, expected: persist?.ticket });
    this.#unsyncedBytes -= persist.bytes;
    if (persist.head > this.durableHead) this.durableHead = persist.head;
    if (persist.logView !== null) this.durableLogView = persist.logView;
    if (persist.checkpoint !== null) this.#durableCheckpoint = persist.checkpoint;
    for (const done of persist.done) done();
  }

  #cut(head: number): void {
    if (this.durableHead > head) this.durableHead = head;
    for (const persist of this.#persists) if (persist.head > head) persist.head = head;
  }

  /** The op up to which this replica may vouch for its log in the current view; 0 when it may not at all (protocol §2). */
  acknowledgeable(): number {
    // log_view = view must be durable too: of a log that is kept as it is, the entries may long have been.
    if (!this.inView || !this.counts || compareViewstamps(this.durableLogView, this.viewstamp) !== 0) return 0;
    const corrupt = this.log.corruptCount === 0 ? null : this.log.lowestCorrupt();
    return corrupt === null ? this.durableHead : Math.min(this.durableHead, corrupt - 1);
  }

  // Commit.

  /** Takes up a commit number of the current view; it never goes down (protocol §3). */
  learnCommit(op: number): void {
    const commit = Math.min(op, this.log.head);
    if (commit <= this.commit) return;
    this.commit = commit;
    this.parts.execution.run();
  }

  /** The checkpoint that peers and the outside are told of: one that a crash does not take back (protocol §2). */
  get checkpointName(): StateName | null {
    const info = this.#durableCheckpoint;
    return info === null ? null : { op: info.op, hash: info.hash };
  }
}
