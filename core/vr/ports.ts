/**
 * What a replica needs and what it drives: the storage from which it reads back, the state machine that it feeds, and
 * the inputs and effects by which everything else reaches it (protocol §1).
 */

import type { ErrorInfo } from '../base/errors.ts';
import type {
  Checksum,
  ClusterId,
  Incarnation,
  NamespaceId,
  Op,
  RequestNumber,
  SessionId,
  Token,
  View,
} from '../base/ids.ts';
import type { SessionSecret } from '../base/session-secret.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import type { Configuration, Member, Viewstamp } from './configuration.ts';
import type { Entry, EntryName } from './entry.ts';
import type { Message, MessageKind } from './messages.ts';

/** Which replica this is, for life. */
export interface ReplicaIdentity {
  readonly cluster: ClusterId;
  readonly namespace: NamespaceId;
  readonly replica: string;
  readonly node: string;
  readonly incarnation: Incarnation;
}

/**
 * The state that a group replicates. It is deterministic: equal entries in equal order give equal replies and equal
 * snapshots on every replica and in every runtime.
 */
export interface StateMachine {
  /**
   * Applies a committed entry, once, in op order, and returns its encoded reply. It never throws because of the body:
   * what cannot be decoded or done is an error inside the reply, the same on all replicas. For an entry of session 0,
   * the reply goes to the proposer.
   */
  apply(entry: Entry): Uint8Array;
  /**
   * What the applied state knows of a request (protocol §7). `new` was never executed and may be. `executed` has its
   * reply kept. `other` has the number of another body that was executed. `old` is below the window. `gone` names a
   * session that does not exist, or that has another secret, and `continued` one that another process continues.
   */
  request(
    session: SessionId,
    secret: SessionSecret,
    request: RequestNumber,
    body: Uint8Array,
  ): 'new' | 'executed' | 'other' | 'old' | 'gone' | 'continued';
  /**
   * The lowest request number of a live session that was never executed. Requests of a session execute in their order.
   */
  nextRequest(session: SessionId): RequestNumber;
  /** The kept reply of an `executed` request. */
  reply(session: SessionId, request: RequestNumber): Uint8Array;
  /** Checks a body before it is proposed. An error refuses the request, and is definite. */
  validate(body: Uint8Array): ErrorInfo | null;
  /** The replicated time at which the group should propose an expiry entry, or null (protocol §7, "Time"). */
  deadline(): number | null;
  /** The body of the entry that expires what is due at `timestamp`. */
  expiry(timestamp: number): Uint8Array;
  /** Holds the state as it is now, in O(1), while more entries are applied. */
  snapshot(): Snapshot;
  /**
   * Replaces the state by that of a snapshot. @throws {@link MalformedError}, and leaves the state unchanged, when the
   * bytes are not a snapshot.
   */
  restore(chunks: Iterable<Uint8Array>): void;
  /** The size of the state in bytes, as all replicas count it, for the checkpoint rule of protocol §6. */
  size(): number;
}

export interface Snapshot {
  /**
   * The next piece of the encoded state, of any length above 0 and about `bytes`; null at the end. All pieces together
   * are canonical.
   */
  next(bytes: number): Uint8Array | null;
}

/**
 * One atomic batch of one replica. After a crash, all of it is there, or none (protocol §2). It is applied in the order
 * of its fields.
 */
export interface StorageBatch {
  readonly configuration?: Configuration;
  readonly view?: Viewstamp;
  readonly logView?: Viewstamp;
  /**
   * Installs the written or staged checkpoint of this op and hash. Entries at or below it stay until `shortenTo` drops
   * them. If the head is below it, as after a transfer, the same batch has `shortenTo`, and the log goes on from this
   * op.
   */
  readonly checkpoint?: CheckpointInfo;
  /**
   * Entries at and above this op leave the log. Absent: the entries below extend the log or repair it in place, by
   * checksum.
   */
  readonly truncateFrom?: Op;
  /** Entries to append, or to replace corrupt ones of the same checksum. */
  readonly entries: readonly Entry[];
  /** Entries at or below this op are no longer needed. It is never above the installed checkpoint's op. */
  readonly shortenTo?: Op;
}

/** What the store found of one replica at start. */
export interface RecoveredReplica {
  readonly identity: ReplicaIdentity;
  readonly configuration: Configuration;
  readonly view: Viewstamp;
  readonly logView: Viewstamp;
  readonly checkpoint: CheckpointInfo | null;
  /** The highest op that the log holds or is known to have held. For an empty log, the checkpoint's op. */
  readonly head: Op;
  /** The lowest op that the log holds. Everything from it to `head` is readable or in `corrupt`. */
  readonly first: Op;
  /**
   * Entries that were durable and cannot be read. They never count as absent, and are repaired by checksum (protocol
   * §2).
   */
  readonly corrupt: readonly EntryName[];
  /**
   * False when the store cannot say what the head was. Then the replica sends no DoViewChange or PrepareOk until a
   * StartView is installed (protocol §2).
   */
  readonly headProven: boolean;
}

/** The synchronous half of storage: what is durable, and what was handed over to be made durable. */
export interface ReplicaStorage {
  /** The entry at `op`, or null when the log does not hold it or cannot read it. */
  entry(op: Op): Entry | null;
  /** A chunk of the installed checkpoint of `op`, or null when it does not exist or cannot be read. */
  chunk(op: Op, index: number): Uint8Array | null;
  /**
   * True when a chunk of a checkpoint that is being fetched is staged (protocol §5), so that a transfer resumes after a
   * restart.
   */
  staged(checkpoint: CheckpointInfo, index: number): boolean;
}

/** What a replica is told. */
export type Input =
  | { readonly kind: 'message'; readonly message: Message }
  /** A client's request. `token` comes back with its reply. */
  | {
      readonly kind: 'request';
      readonly token: Token;
      readonly session: SessionId;
      /** The sender proves with this that it may use the session. */
      readonly secret: SessionSecret;
      readonly request: RequestNumber;
      readonly answered: RequestNumber;
      readonly body: Uint8Array;
      /** Why its node accepts no such request now. It counts only if the request is new. */
      readonly refusal: ErrorInfo | null;
    }
  /** Something without a session: a registration, or a change to the catalog. It is not deduplicated. */
  | { readonly kind: 'propose'; readonly token: Token; readonly body: Uint8Array }
  /** With `atLeast`, the read waits until that op is applied. 0 makes it a local read (protocol §7). */
  | {
      readonly kind: 'read';
      readonly token: Token;
      readonly consistency: 'linearizable' | { readonly atLeast: Op };
    }
  /** No one waits for this token's reply any longer. The request itself goes on. */
  | { readonly kind: 'abandon'; readonly token: Token }
  | { readonly kind: 'tick' }
  /** The end of a turn. What arrived in it is batched now. */
  | { readonly kind: 'flush' }
  /**
   * The batch of this ticket is durable. Tickets come back in order. A failed batch stops the process instead (protocol
   * §2).
   */
  | { readonly kind: 'durable'; readonly ticket: number }
  /** The checkpoint that was asked for is written, and its file is durable. The replica installs it by a batch. */
  | { readonly kind: 'checkpointWritten'; readonly checkpoint: CheckpointInfo }
  /** The checkpoint that was asked for could not be written. The replica will ask for the next one that is due. */
  | { readonly kind: 'checkpointFailed' }
  /** A staged chunk could not be kept, and the ones before it are gone. */
  | { readonly kind: 'chunkLost'; readonly op: Op; readonly index: number }
  /** A staged chunk is durable. */
  | { readonly kind: 'chunkStaged'; readonly op: Op; readonly index: number }
  /** The connection with this node broke, which is a reason to suspect at once, or it is there again. */
  | { readonly kind: 'peer'; readonly node: string; readonly connected: boolean }
  /** The disk has no room for what grows, or has it again. */
  | { readonly kind: 'diskLow'; readonly low: boolean }
  /** Learners that the log does not name: nodes that follow the root group. They count in no quorum. */
  | { readonly kind: 'learners'; readonly members: readonly Member[] };

/**
 * What a replica wants done, in this order. A host steps a replica with the inputs of a turn, and always ends the turn
 * with `flush`. Batches, acknowledgements and read rounds leave then.
 */
export type Effect =
  | { readonly kind: 'send'; readonly to: Member; readonly message: Message }
  | { readonly kind: 'persist'; readonly ticket: number; readonly batch: StorageBatch }
  | { readonly kind: 'reply'; readonly token: Token; readonly result: ReplyResult }
  /** The state that is applied now answers this read. */
  | { readonly kind: 'readReady'; readonly token: Token; readonly result: ReadResult }
  /** Write `snapshot` in slices while the log goes on, then say `checkpointWritten`. */
  | { readonly kind: 'writeCheckpoint'; readonly draft: CheckpointDraft; readonly snapshot: Snapshot }
  /** This checkpoint is written and will not be installed. Its file may go. */
  | { readonly kind: 'dropCheckpoint'; readonly checkpoint: CheckpointInfo }
  | {
      readonly kind: 'stageChunk';
      readonly checkpoint: CheckpointInfo;
      readonly index: number;
      readonly bytes: Uint8Array;
    }
  /** A committed entry was applied. Watches, the simulator's checks and the time line use this. */
  | { readonly kind: 'applied'; readonly entry: Entry; readonly reply: Uint8Array }
  /**
   * The whole state was replaced, and is now the one at this op. `applied` goes on after it. It is also the first
   * effect of a replica that found a state at start. What that replica then applied again is not reported entry by
   * entry.
   */
  | { readonly kind: 'restored'; readonly op: Op }
  /** Status, view or primary changed, or something happened that an operator wants to know. */
  | { readonly kind: 'event'; readonly event: ReplicaEvent };

export type ReplyResult =
  { readonly ok: true; readonly reply: Uint8Array } | { readonly ok: false; readonly error: ErrorInfo };
export type ReadResult = { readonly ok: true } | { readonly ok: false; readonly error: ErrorInfo };

/** A checkpoint before its chunks are hashed. */
export type CheckpointDraft = Omit<CheckpointInfo, 'size' | 'chunks' | 'hash'>;

export type ReplicaEvent =
  | {
      readonly kind: 'status';
      readonly status: ReplicaStatus;
      readonly viewstamp: Viewstamp;
      readonly primary: string | null;
    }
  | { readonly kind: 'suspects'; readonly primary: string; readonly view: View; readonly reason: string }
  | { readonly kind: 'committed'; readonly op: Op; readonly by: readonly string[] }
  | { readonly kind: 'transfer'; readonly from: string; readonly to: Op; readonly by: 'entries' | 'checkpoint' }
  | { readonly kind: 'repaired'; readonly op: Op }
  | { readonly kind: 'dropped'; readonly reason: string }
  /** `about` gives the topic, when an `alarmOver` may end the alarm. */
  | { readonly kind: 'alarm'; readonly reason: string; readonly about?: AlarmTopic }
  | { readonly kind: 'alarmOver'; readonly about: AlarmTopic }
  /** A member said something impossible, and was not believed. Reported once for each kind of message and reason. */
  | { readonly kind: 'refused'; readonly from: string; readonly said: MessageKind; readonly reason: string };

/** `states`: replicas disagree and no quorum shares a state. `transfer`: no other replica has what this one lacks. */
export type AlarmTopic = 'states' | 'transfer';

/** `recovering`: it cannot prove its head, or its checkpoint differs, and it waits for a StartView or a rebuild. */
export type ReplicaStatus = 'normal' | 'viewChange' | 'recovering' | 'stopped';

/** A replica seen from outside: for `vr replica`, metrics, the playground's picture and the simulator's checks. */
export interface ReplicaView {
  readonly identity: ReplicaIdentity;
  readonly status: ReplicaStatus;
  readonly configuration: Configuration;
  readonly view: Viewstamp;
  readonly logView: Viewstamp;
  /** The primary of the current view when this replica knows that it works, else null. */
  readonly primary: Member | null;
  readonly isPrimary: boolean;
  readonly head: Op;
  readonly commit: Op;
  readonly applied: Op;
  readonly checkpointOp: Op;
  readonly checkpointHash: Checksum | null;
  readonly logFirst: Op;
  readonly pending: number;
  readonly pipeline: number;
}
