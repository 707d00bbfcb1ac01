/**
 * What a replica stands on and what it drives: the storage it reads back from, the state machine it feeds, and the inputs
 * and effects by which everything else reaches it (protocol §1).
 */

import type { ErrorInfo } from '../base/errors.ts';
import type { Checksum, ClusterId, Incarnation, NamespaceId } from '../base/ids.ts';
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
   * Applies a committed entry, once, in op order, and returns its encoded reply. Never throws on account of the body: what cannot be
   * decoded or done is an error inside the reply, the same everywhere. For an entry of session 0 the reply goes to whoever proposed it.
   */
  apply(entry: Entry): Uint8Array;
  /**
   * What is known of a request in the applied state (protocol §7): `new` was never executed and may be, `executed` has its reply kept,
   * `other` has the number of another body that was executed, `old` is below the window, `gone` names a session that does not exist, or
   * not with this secret.
   */
  request(
    session: number,
    secret: SessionSecret,
    request: number,
    body: Uint8Array,
  ): 'new' | 'executed' | 'other' | 'old' | 'gone';
  /** The lowest request number of a live session that was never executed; requests of a session execute in their order. */
  nextRequest(session: number): number;
  /** The kept reply of an `executed` request. */
  reply(session: number, request: number): Uint8Array;
  /** Checks a body before it is proposed; an error refuses the request, definitely. */
  validate(body: Uint8Array): ErrorInfo | null;
  /** The replicated time at which the group should propose an expiry entry, or null (protocol §7, "Time"). */
  deadline(): number | null;
  /** The body of the entry that expires what is due at `timestamp`. */
  expiry(timestamp: number): Uint8Array;
  /** An O(1) hold on the state as it is now; applying goes on beside it. */
  snapshot(): Snapshot;
  /** Replaces the state by what a snapshot wrote. @throws MalformedError, with the state unchanged, when the bytes are no snapshot. */
  restore(chunks: Iterable<Uint8Array>): void;
  /** Bytes of the state as all replicas count them, for the checkpoint rule of protocol §6. */
  size(): number;
}

export interface Snapshot {
  /** The next piece of the encoded state, of any length above 0 and about `bytes`; null at the end. The concatenation is canonical. */
  next(bytes: number): Uint8Array | null;
}

/** One atomic batch of one replica. All of it survives a crash, or none (protocol §2). Applied in the order of the fields. */
export interface StorageBatch {
  readonly configuration?: Configuration;
  readonly view?: Viewstamp;
  readonly logView?: Viewstamp;
  /**
   * Installs the written or staged checkpoint of this op and hash. Entries at or below it stay until `shortenTo` drops them; when
   * the head is below it, as after a transfer, `shortenTo` comes in the same batch and the log goes on from this op.
   */
  readonly checkpoint?: CheckpointInfo;
  /** Entries at and above this op leave the log. Absent: the entries below extend the log or repair it in place, by checksum. */
  readonly truncateFrom?: number;
  /** Entries to append, or to put in the place of corrupt ones of the same checksum. */
  readonly entries: readonly Entry[];
  /** Entries at or below this op are no longer needed; never above the installed checkpoint's op. */
  readonly shortenTo?: number;
}

/** What one replica's part of the store said at start. */
export interface RecoveredReplica {
  readonly identity: ReplicaIdentity;
  readonly configuration: Configuration;
  readonly view: Viewstamp;
  readonly logView: Viewstamp;
  readonly checkpoint: CheckpointInfo | null;
  /** The highest op that the log holds or is known to have held; the checkpoint's op when it is empty. */
  readonly head: number;
  /** The lowest op that the log holds; everything from it to `head` is readable or in `corrupt`. */
  readonly first: number;
  /** Entries that were had and cannot be read: never absent, repaired by checksum (protocol §2). */
  readonly corrupt: readonly EntryName[];
  /** False when the store cannot say what the head was: no DVC or PrepareOk until a StartView is installed (protocol §2). */
  readonly headProven: boolean;
}

/** The synchronous half of storage: what is durable, and what was handed over to be. */
export interface ReplicaStorage {
  /** The entry at `op`, or null when the log does not hold it or cannot read it. */
  entry(op: number): Entry | null;
  /** A chunk of the installed checkpoint of `op`, or null when it is not there or cannot be read. */
  chunk(op: number, index: number): Uint8Array | null;
  /** A chunk of a checkpoint that is being staged (protocol §5), so that a transfer resumes after a restart; else null. */
  staged(checkpoint: CheckpointInfo, index: number): boolean;
}

/** What a replica is told. */
export type Input =
  | { readonly kind: 'message'; readonly message: Message }
  /** A client's request; `token` comes back with its reply. */
  | {
      readonly kind: 'request';
      readonly token: number;
      readonly session: number;
      /** By which its sender speaks as the session. */
      readonly secret: SessionSecret;
      readonly request: number;
      readonly answered: number;
      readonly body: Uint8Array;
      /** Why its node takes nothing like it now: judged only when the request is new. */
      readonly refusal: ErrorInfo | null;
    }
  /** Something without a session: a registration, a change to the catalog. Not deduplicated. */
  | { readonly kind: 'propose'; readonly token: number; readonly body: Uint8Array }
  /** `atLeast` waits until that op is applied; 0 is a local read (protocol §7). */
  | {
      readonly kind: 'read';
      readonly token: number;
      readonly consistency: 'linearizable' | { readonly atLeast: number };
    }
  /** Nobody waits any longer for this token's reply. The request itself goes on. */
  | { readonly kind: 'abandon'; readonly token: number }
  | { readonly kind: 'tick' }
  /** The end of a turn: what arrived in it is batched now. */
  | { readonly kind: 'flush' }
  /** The batch of this ticket is durable. Tickets come back in order. A failed batch stops the process instead (protocol §2). */
  | { readonly kind: 'durable'; readonly ticket: number }
  /** The checkpoint that was asked for is written and its file durable; the replica installs it by a batch. */
  | { readonly kind: 'checkpointWritten'; readonly checkpoint: CheckpointInfo }
  /** The checkpoint that was asked for could not be written. The next one that is due is asked for again. */
  | { readonly kind: 'checkpointFailed' }
  /** A staged chunk could not be kept, and those before it are gone. */
  | { readonly kind: 'chunkLost'; readonly op: number; readonly index: number }
  /** A staged chunk is durable. */
  | { readonly kind: 'chunkStaged'; readonly op: number; readonly index: number }
  /** The connection to or from this node broke, or is there again: a reason to suspect at once. */
  | { readonly kind: 'peer'; readonly node: string; readonly connected: boolean }
  /** Learners that the log does not name: nodes that follow the root group. They count nowhere. */
  | { readonly kind: 'learners'; readonly members: readonly Member[] };

/**
 * What a replica wants done, in this order. A host steps a replica with the inputs of a turn and ends the turn with `flush`, whatever
 * the inputs were: batches, acknowledgements and read rounds leave then.
 */
export type Effect =
  | { readonly kind: 'send'; readonly to: Member; readonly message: Message }
  | { readonly kind: 'persist'; readonly ticket: number; readonly batch: StorageBatch }
  | { readonly kind: 'reply'; readonly token: number; readonly result: ReplyResult }
  /** The state that is applied now answers this read. */
  | { readonly kind: 'readReady'; readonly token: number; readonly result: ReadResult }
  /** Write `snapshot` beside the log in slices, then say `checkpointWritten`. */
  | { readonly kind: 'writeCheckpoint'; readonly draft: CheckpointDraft; readonly snapshot: Snapshot }
  /** This checkpoint is written and will not be installed: its file may go. */
  | { readonly kind: 'dropCheckpoint'; readonly checkpoint: CheckpointInfo }
  | {
      readonly kind: 'stageChunk';
      readonly checkpoint: CheckpointInfo;
      readonly index: number;
      readonly bytes: Uint8Array;
    }
  /** A committed entry was applied: for watches, for the simulator's checks, for the time line. */
  | { readonly kind: 'applied'; readonly entry: Entry; readonly reply: Uint8Array }
  /**
   * The whole state was replaced, and stands at this op: `applied` goes on behind it. Also the first effect of a replica
   * that found a state at start; what it applied again then is not told entry by entry.
   */
  | { readonly kind: 'restored'; readonly op: number }
  /** Status, view or primary changed, or something that an operator wants to know happened. */
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
  | { readonly kind: 'suspects'; readonly primary: string; readonly view: number; readonly reason: string }
  | { readonly kind: 'committed'; readonly op: number; readonly by: readonly string[] }
  | { readonly kind: 'transfer'; readonly from: string; readonly to: number; readonly by: 'entries' | 'checkpoint' }
  | { readonly kind: 'repaired'; readonly op: number }
  | { readonly kind: 'dropped'; readonly reason: string }
  /** `about` says what it is about when an `alarmOver` may end it. */
  | { readonly kind: 'alarm'; readonly reason: string; readonly about?: AlarmTopic }
  | { readonly kind: 'alarmOver'; readonly about: AlarmTopic }
  /** What a member said cannot be, and was not believed: told once for each kind of message and reason. */
  | { readonly kind: 'refused'; readonly from: string; readonly said: MessageKind; readonly reason: string };

/** `states`: replicas disagree and no quorum shares a state. `transfer`: nobody has what this replica lacks. */
export type AlarmTopic = 'states' | 'transfer';

/** `recovering`: it cannot prove its head, or its checkpoint differs, and waits for a StartView or a rebuild. */
export type ReplicaStatus = 'normal' | 'viewChange' | 'recovering' | 'stopped';

/** A replica seen from outside: `vr replica`, metrics, the playground's picture and the simulator's checks. */
export interface ReplicaView {
  readonly identity: ReplicaIdentity;
  readonly status: ReplicaStatus;
  readonly configuration: Configuration;
  readonly view: Viewstamp;
  readonly logView: Viewstamp;
  /** The primary of the current view when this replica knows it to work, else null. */
  readonly primary: Member | null;
  readonly isPrimary: boolean;
  readonly head: number;
  readonly commit: number;
  readonly applied: number;
  readonly checkpointOp: number;
  readonly checkpointHash: Checksum | null;
  readonly logFirst: number;
  readonly pending: number;
  readonly pipeline: number;
}
