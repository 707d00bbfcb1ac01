/**
 * What the parts of a replica offer to each other, and nothing more: the parts know this page and the core, and never one another. What only
 * comes from outside (inputs, messages, the end of a turn) is not here; replica.ts, which makes the parts, takes it to them.
 */

import type { Op, RequestNumber, SessionId, Token, View } from '../base/ids.ts';
import type { SessionSecret } from '../base/session-secret.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import type { ChosenLog } from './choose.ts';
import type { Member } from './configuration.ts';
import type { Entry } from './entry.ts';
import type { MessageOf, StateName } from './messages.ts';

/** Whether the primary works (suspicion.ts). */
export interface SuspicionPart {
  /** Nothing was heard of the primary of this view, for too long. */
  readonly unheard: boolean;
  connected(node: string): boolean;
  /** The primary of this view when this replica follows it or is it, else null. */
  knownPrimary(): Member | null;
  /** How long ago the primary of this view led it, by itself or through others; null: longer than anyone is believed. */
  heardMs(): number | null;
  /** Another told how long ago the primary led. @returns false when it knows of none. */
  told(heardMs: number | null): boolean;
  /** It is time to ask others for what the primary committed. */
  followsThroughOthers(): boolean;
  heardPrimary(): void;
  enteredView(): void;
  leading(): void;
  relent(): void;
  suspect(reason: string): void;
}

/** Leaving a view, and finding the log of the next (view-change.ts). */
export interface ViewChangePart {
  moveTo(view: View): void;
  stepDown(): void;
  /** Something of the log that may be told in a DoViewChange is another now. */
  changed(): void;
  /** What kept this replica from counting, or a part of it, is over. */
  restored(): void;
  /** Whatever this voter voted in an earlier life is void. */
  forget(from: Member): void;
  /** A question for entries was not answered in time. */
  unanswered(): void;
  sendStartView(to: Member, nonce: number): void;
  startView(from: Member, message: MessageOf<'startView'>): void;
  askStartView(from: Member): void;
}

/** Making the log of a view this replica's own (installation.ts). */
export interface InstallationPart {
  readonly active: boolean;
  readonly hasCheckpoint: boolean;
  /** Where to ask first. */
  readonly source: Member | null;
  begin(goal: ChosenLog): void;
  suspend(): void;
  /** The ops to fetch next, or null when all are here. */
  missing(): { readonly from: Op; readonly through: Op } | null;
  /** Takes entries that a peer sent; true when one was of use. */
  entries(entries: readonly Entry[], commit: Op): boolean;
  checkpointStaged(info: CheckpointInfo): boolean;
  advance(): void;
}

/** Fetching what others have (transfer.ts). */
export interface TransferPart {
  /** This member was asked in this view and did not answer in time. */
  silent(member: Member): boolean;
  cancel(): void;
}

/** Ordering requests (primary.ts). */
export interface PrimaryPart {
  /** It works, abdicated or not. */
  readonly active: boolean;
  readonly abdicated: boolean;
  /** It takes requests and reads. */
  readonly serving: boolean;
  /** The suffix with which its view began is committed. */
  readonly settled: boolean;
  /** The last round of heartbeats. */
  readonly round: number;
  begin(commit: Op): void;
  end(): void;
  /** Begins a round of heartbeats. @returns its number. */
  heartbeat(): number;
  /** More of the own log may be acknowledged. */
  acknowledgedMore(): void;
}

/** Following the primary (backup.ts). */
export interface BackupPart {
  /** How far the primary's log is known to go. */
  readonly targetHead: Op;
  enteredView(): void;
  heardHead(head: Op, commit: Op): void;
}

/** A request that is not in the log yet. */
export interface Pending {
  readonly session: SessionId;
  readonly secret: SessionSecret;
  readonly request: RequestNumber;
  readonly answered: RequestNumber;
  readonly body: Uint8Array;
  /** Who waits; a retry over another connection adds one. */
  readonly tokens: Token[];
  readonly expiry: boolean;
}

/** Clients' requests, from their coming to their reply (requests.ts). */
export interface RequestsPart {
  /** How many can be prepared now. */
  readonly queued: number;
  readonly expiryPending: boolean;
  peek(): Pending | undefined;
  shift(): void;
  prepared(pending: Pending, op: Op): void;
  /** Proposes that what is due expires. */
  expire(body: Uint8Array): void;
  executed(entry: Entry, reply: Uint8Array): void;
  /** Some entries were executed. */
  advanced(): void;
  beginView(): void;
  lost(): void;
  abdicated(): void;
}

/** Linearizable reads (reads.ts). */
export interface ReadsPart {
  /** A quorum has answered the heartbeats up to this round. */
  confirmed(round: number): void;
  /** The primary has committed what its view began with. */
  settled(): void;
  primaryChanged(): void;
  /** Some entries were executed. */
  advanced(): void;
}

/** The replicated clock (clock.ts). */
export interface ClockPart {
  beginView(): void;
  /** The timestamp of an entry that is made now by the primary. */
  timestamp(): number;
}

/** Applying what is committed (execution.ts). */
export interface ExecutionPart {
  /** The op whose state the machine has. */
  readonly applied: Op;
  run(): void;
  beginRestore(info: CheckpointInfo): void;
  finishRestore(info: CheckpointInfo): void;
}

/** Checkpoints: when, whether all agree, and what of the log they make needless (checkpointing.ts). */
export interface CheckpointsPart {
  /** The newest state that a quorum is known to share. */
  readonly agreed: StateName | null;
  applied(entry: Entry): void;
  restored(info: CheckpointInfo): void;
  beginView(): void;
  endView(): void;
  tick(): void;
  report(from: Member, state: StateName): void;
  heardAgreed(agreed: StateName | null): void;
  /** The own state is no good: it is rebuilt from the others. */
  lost(reason: string): void;
  /** The op up to which a quorum has durable checkpoints. */
  quorumCheckpoint(): Op;
  shorten(through: Op): void;
}

/** Proving the head, after a tail was lost (recovery.ts). */
export interface RecoveryPart {
  /** The head is not proven. */
  readonly pending: boolean;
  /** The nonce that answers have to repeat. */
  readonly question: number;
  /** Whether this StartView may be taken by a replica that cannot prove its head. */
  admits(from: Member, message: MessageOf<'startView'>): boolean;
  installed(): void;
}

/** The concerns of the protocol, each in its own file. */
export interface Parts {
  readonly suspicion: SuspicionPart;
  readonly viewChange: ViewChangePart;
  readonly installation: InstallationPart;
  readonly transfer: TransferPart;
  readonly primary: PrimaryPart;
  readonly backup: BackupPart;
  readonly requests: RequestsPart;
  readonly reads: ReadsPart;
  readonly clock: ClockPart;
  readonly execution: ExecutionPart;
  readonly checkpoints: CheckpointsPart;
  readonly recovery: RecoveryPart;
}
