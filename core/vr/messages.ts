/**
 * What replicas of a group say to each other (protocol §3 to §6): one union that gives both the type and the binary
 * form. Every message says who sends it, to whom, and in which (epoch, view). Frames are made elsewhere.
 */

import type { Reader, Writer } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import type { Epoch, NamespaceId, Op, View } from '../base/ids.ts';
import { checksumSchema, clusterIdSchema, incarnationSchema, nameSchema } from '../base/ids.ts';
import type { Hash } from '../base/ports.ts';
import type { Schema, TypeOf } from '../base/schema.ts';
import { bool, bytes, list, nullable, struct, uint, union } from '../base/schema.ts';
import { checkpointChunkBytes, checkpointInfoSchema } from './checkpoint.ts';
import { viewstampSchema } from './configuration.ts';
import type { Entry } from './entry.ts';
import { decodeEntry } from './entry.ts';

/**
 * Entries of one message. A Prepare has at most `maxBatchEntries` of them, and an answer of state transfer as many as
 * fit into its bytes.
 */
export const maxMessageEntries = 65_536;
/** Headers of one suffix: the pipeline, and as many again for what rotten entries hide (protocol §2). */
export const maxSuffixHeaders = 1_048_576;

/** A state at an op, named by its hash. Heartbeats compare these (protocol §6). */
const stateNameSchema = struct({ op: uint<Op>(), hash: checksumSchema });
export type StateName = TypeOf<typeof stateNameSchema>;

/**
 * A log as its holder describes it in a DoViewChange or a StartView: headers of the suffix above a floor, never bodies
 * (protocol §4).
 */
const logDescriptionSchema = struct({
  logView: viewstampSchema,
  head: uint<Op>(),
  /**
   * Everything up to here is committed: the larger of the checkpoint's op and the commit number in the newest readable
   * entry.
   */
  floor: uint<Op>(),
  /** The checksum of the entry at the floor. For op 0, it is the group's genesis. */
  floorChecksum: checksumSchema,
  checkpointOp: uint<Op>(),
  /** The checksums of floor + 1 to head, in order. Each entry's parent is the one before it. */
  checksums: list(checksumSchema, maxSuffixHeaders),
  /** Ops above the floor that were durable and cannot be read now. */
  corrupt: list(uint<Op>(), maxSuffixHeaders),
});
export type LogDescription = TypeOf<typeof logDescriptionSchema>;

const envelope = {
  cluster: clusterIdSchema,
  namespace: uint<NamespaceId>(),
  /** The sender. Replica, node and incarnation are compared with the configuration (protocol §1). */
  replica: nameSchema,
  node: nameSchema,
  incarnation: incarnationSchema,
  /** The replica to which the message is sent. */
  to: nameSchema,
  epoch: uint<Epoch>(),
  view: uint<View>(),
};

/**
 * An entry travels as the bytes that name it. `hash` is set while a message is decoded, so that no entry gets in
 * unchecked.
 */
const entrySchema = (hash: () => Hash): Schema<Entry> => ({
  encode: (writer, entry) => writer.bytes(entry.bytes),
  decode: (reader) => decodeEntry(reader.bytes(), hash()),
  check: () => {
    throw new MalformedError('messages between replicas have no text form');
  },
});

const makeSchema = (hash: () => Hash) =>
  union({
    prepare: [1, { ...envelope, commit: uint<Op>(), entries: list(entrySchema(hash), maxMessageEntries) }],
    /** The sender durably holds everything up to `op`, with log_view = view. */
    prepareOk: [2, { ...envelope, op: uint<Op>() }],
    /** VRR's Commit: the primary's heartbeat, with the number of its round. */
    commit: [
      3,
      {
        ...envelope,
        round: uint(),
        commit: uint<Op>(),
        head: uint<Op>(),
        /** The state that a quorum shares, if one is known. A replica that differs at that op is down until rebuilt. */
        agreed: nullable(stateNameSchema),
        /** A quorum has a checkpoint at or above this op, so the log up to it may go. */
        shortenTo: uint<Op>(),
      },
    ],
    commitOk: [
      4,
      {
        ...envelope,
        round: uint(),
        op: uint<Op>(),
        checkpoint: nullable(stateNameSchema),
        /** The sender's disk has no room for what grows. */
        diskLow: bool,
      },
    ],
    startViewChange: [5, { ...envelope, target: uint<View>() }],
    doViewChange: [6, { ...envelope, log: logDescriptionSchema }],
    /** Also the answer to getStartView. `nonce` is then that of the question; otherwise it is 0. */
    startView: [7, { ...envelope, nonce: uint(), commit: uint<Op>(), log: logDescriptionSchema }],
    getState: [
      8,
      {
        ...envelope,
        nonce: uint(),
        from: uint<Op>(),
        through: uint<Op>(),
        commit: uint<Op>(),
        checksum: checksumSchema,
      },
    ],
    newState: [
      9,
      {
        ...envelope,
        nonce: uint(),
        logView: viewstampSchema,
        /** What the sender knows to be committed. Entries at or below it need no other proof. */
        commit: uint<Op>(),
        entries: list(entrySchema(hash), maxMessageEntries),
        /** The sender's checkpoint, if its log no longer reaches down to `from`. */
        checkpoint: nullable(checkpointInfoSchema),
        /**
         * How long ago this view's primary was heard to lead it, by the sender or by a replica that told the sender.
         * Null: too long.
         */
        heardMs: nullable(uint()),
      },
    ],
    getStartView: [10, { ...envelope, nonce: uint() }],
    /** Nothing but the envelope. It answers a message of an older view. */
    viewNow: [11, { ...envelope }],
    getChunk: [12, { ...envelope, nonce: uint(), op: uint<Op>(), hash: checksumSchema, index: uint() }],
    chunk: [13, { ...envelope, nonce: uint(), index: uint(), bytes: nullable(bytes(checkpointChunkBytes)) }],
    readIndex: [14, { ...envelope, nonce: uint() }],
    readIndexOk: [15, { ...envelope, nonce: uint(), index: uint<Op>() }],
    recovery: [16, { ...envelope, nonce: uint() }],
    recoveryOk: [17, { ...envelope, nonce: uint() }],
  });

let decodingHash: Hash | null = null;
const schema = makeSchema(() => {
  if (decodingHash === null) throw new MalformedError('an entry outside of a message');
  return decodingHash;
});

export type Message = TypeOf<typeof schema>;
export type MessageKind = Message['kind'];
export type MessageOf<K extends MessageKind> = Extract<Message, { readonly kind: K }>;

type Envelope = keyof typeof envelope;
/** A message before it gets its envelope. */
export type Content = WithoutEnvelope<Message>;
type WithoutEnvelope<M> = M extends Message ? Omit<M, Envelope> : never;

export function encodeMessage(writer: Writer, message: Message): void {
  schema.encode(writer, message);
}

/**
 * The next message of `reader`. Entries are compared with their checksums, and stay views of the bytes that were read.
 * @throws {@link MalformedError} on anything that {@link encodeMessage} does not write, and on an entry that does not
 *   match its checksum.
 */
export function decodeMessage(reader: Reader, hash: Hash): Message {
  decodingHash = hash;
  try {
    return schema.decode(reader);
  } finally {
    decodingHash = null;
  }
}
