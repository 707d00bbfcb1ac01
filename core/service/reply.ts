/**
 * What an executed entry or a read answers. A reply is encoded once, kept with its session, and sent as those bytes
 * (protocol §9.7).
 */

import type { Writer } from '../base/bytes.ts';
import { errorSchema } from '../base/error-schema.ts';
import type { Epoch, Op, SessionId, View } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { secretSchema } from '../base/session-secret.ts';
import { bool, list, nullable, struct, uint, union } from '../base/schema.ts';
import { decodeWhole, encodeWhole } from '../base/whole.ts';
import { resultSchema } from '../tree/result.ts';
import { aliveSchema, recordsSchema } from './told.ts';

export const answerVariants = {
  result: [1, { result: resultSchema }],
  error: [2, { error: errorSchema }],
  /** For the client that registered, and for no other: `secret` proves that a client holds the session. */
  registered: [3, { session: uint<SessionId>(), secret: secretSchema }],
  nothing: [4, {}],
  /** `continued`: this holder had a session before, which this bind ended. */
  /**
   * Answers a keep-alive. `clock` is the replicated time of its entry. `leaseMs` is 0 for a session without a lease.
   * `changes` are those that the session has not heard of.
   */
  alive: [6, { clock: uint(), leaseMs: uint(), changes: recordsSchema }],
  /**
   * Answers the primary that put keep-alives together, in their order. Null: there is no such session any more.
   * `elsewhere` has those of them that go on in other processes.
   */
  allAlive: [
    7,
    { clock: uint(), sessions: list(nullable(aliveSchema), 65_536), elsewhere: list(uint<SessionId>(), 65_536) },
  ],
  bound: [5, { session: uint<SessionId>(), secret: secretSchema, continued: bool }],
} as const;

export const replySchema = struct({
  /** Epoch, view and op of the entry. For a read: those of the replica that answered, and the last op applied there. */
  epoch: uint<Epoch>(),
  view: uint<View>(),
  op: uint<Op>(),
  answer: union(answerVariants),
});
export type Reply = TypeOf<typeof replySchema>;

const resultTag = 1;
const doneTag = 1;

/** Writes a reply. The most frequent answer is written at once, not field by field. The bytes are the same. */
export function writeReply(writer: Writer, place: Omit<Reply, 'answer'>, answer: Reply['answer']): void {
  if (answer.kind !== 'result' || answer.result.kind !== 'done') {
    replySchema.encode(writer, { epoch: place.epoch, view: place.view, op: place.op, answer });
    return;
  }
  writer.uint(place.epoch);
  writer.uint(place.view);
  writer.uint(place.op);
  writer.u8(resultTag);
  writer.u8(doneTag);
  writer.uint(answer.result.version);
}

export function encodeReply(reply: Reply): Uint8Array {
  return encodeWhole(replySchema, reply);
}

/** @throws {@link MalformedError} when the bytes are not exactly one reply. */
export function decodeReply(bytes: Uint8Array): Reply {
  return decodeWhole(replySchema, bytes);
}
