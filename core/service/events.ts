/**
 * What those who watch are told (architecture §5): an event for each committed entry that changed something, with its changes in order. Here
 * are the forms that travel; which of them reach whom is decided by whoever serves a watch.
 */

import type { TypeOf } from '../base/schema.ts';
import { bool, int, list, nullable, oneOf, struct, uint } from '../base/schema.ts';
import { decodeWhole, encodeWhole } from '../base/whole.ts';
import { changeKinds } from '../tree/names.ts';
import { nodeTypeSchema, pathSchema, valueSchema } from '../tree/result.ts';

export const changeSchema = struct({
  /** What changed. */
  path: pathSchema,
  /**
   * `deleted` takes all beneath it along, and is told under the path of the topmost node that went. `changed` stands for several
   * changes of a queue or set, in an event that is `folded`.
   */
  kind: oneOf(...changeKinds),
  /** What the node is, or was. */
  type: nodeTypeSchema,
  /** The node's after the change; of what is deleted, its last. */
  version: uint(),
  /** The value that was put, the item or member; null without values, and where there is none. */
  value: nullable(valueSchema),
  /** What a counter stands at; null without values. */
  number: nullable(int),
});
/** One change of one node, as those who watch are told. */
export interface Change extends TypeOf<typeof changeSchema> {}

/** More changes than a transaction can make: each of its operations makes at most as many nodes as a path has parts. */
const maxChanges = 4_000_000;

export const changesSchema = list(changeSchema, maxChanges);

export const watchEventSchema = struct({
  /** The op number of the entry: events of a watch come in this order, each once. */
  op: uint(),
  /** The replicated clock at the entry, in milliseconds. */
  timestamp: uint(),
  /** For a slow reader that asked for it, several entries in one event: of each path, only how it stands after the last. */
  folded: bool,
  changes: changesSchema,
});
export type WatchEvent = TypeOf<typeof watchEventSchema>;

export function encodeEvent(event: WatchEvent): Uint8Array {
  return encodeWhole(watchEventSchema, event);
}

/** @throws MalformedError on bytes that are not one event, whole. */
export function decodeEvent(bytes: Uint8Array): WatchEvent {
  return decodeWhole(watchEventSchema, bytes);
}
