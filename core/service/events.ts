/**
 * What watchers are told (architecture §5): one event for each committed entry that changed something, with its changes
 * in order. This file has the forms that travel. The node that serves a watch decides which events it gets.
 */

import type { Op, SessionId } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { bool, finite, list, nullable, oneOf, struct, uint } from '../base/schema.ts';
import { decodeWhole, encodeWhole } from '../base/whole.ts';
import { changeKinds, deletionCauses } from '../tree/names.ts';
import { nodeTypeSchema, pathSchema, valueSchema } from '../tree/result.ts';

const toldClaimSchema = struct({
  /** The op that made the claim. */
  claim: uint<Op>(),
  /** Its fencing token; 0 while it waits. */
  token: uint<Op>(),
  /** The session whose it is. */
  session: uint<SessionId>(),
});

export const changeSchema = struct({
  /** What changed. */
  path: pathSchema,
  /**
   * `deleted` includes everything beneath the node, and is told under the path of the topmost node that went. `changed`
   * stands for several changes of a queue or set, in an event that is `folded`.
   */
  kind: oneOf(...changeKinds),
  /** What the node is, or was. */
  type: nodeTypeSchema,
  /** The node's version after the change. If the node was deleted, its last version. */
  version: uint(),
  /** The value that was put, the item or the member. Null in a watch without values, and where there is no value. */
  value: nullable(valueSchema),
  /** The value of a leaf that is a number. Null in a watch without values. */
  number: nullable(finite),
  /** The claim that it is about, for what happens to a lock, a semaphore, a barrier or an election. */
  claim: nullable(toldClaimSchema),
  /** Why it was deleted, if nobody asked for it: its time to live was over, or its session ended. */
  cause: nullable(oneOf(...deletionCauses)),
});
/** One change of one node, as watchers are told. */
export interface Change extends TypeOf<typeof changeSchema> {}

/**
 * No transaction can make this many changes: each of its operations makes at most as many nodes as a path has parts.
 */
const maxChanges = 4_000_000;

export const changesSchema = list(changeSchema, maxChanges);

export const watchEventSchema = struct({
  /** The op number of the entry. A watch gets each event once, in this order. */
  op: uint<Op>(),
  /** The replicated clock at the entry, in milliseconds. */
  timestamp: uint(),
  /**
   * Several entries in one event, for a slow reader that asked for this. Of each path it says only how the path is
   * after the last entry.
   */
  folded: bool,
  changes: changesSchema,
});
export type WatchEvent = TypeOf<typeof watchEventSchema>;

export function encodeEvent(event: WatchEvent): Uint8Array {
  return encodeWhole(watchEventSchema, event);
}

/** @throws {@link MalformedError} when the bytes are not exactly one event. */
export function decodeEvent(bytes: Uint8Array): WatchEvent {
  return decodeWhole(watchEventSchema, bytes);
}
