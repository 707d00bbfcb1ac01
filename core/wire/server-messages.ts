/**
 * What a node tells its clients on the API interface: answers, paired by `id` with what was asked on this connection, and what watches are
 * told. Apart from what clients ask (api.ts), because a page reads these and only writes those.
 */

import { errorSchema } from '../base/error-schema.ts';
import { addressSchema, idSchema, nameSchema } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { bool, embedded, list, nullable, struct, uint, union } from '../base/schema.ts';
import { changesSchema, watchEventSchema } from '../service/events.ts';
import { replySchema } from '../service/reply.ts';

/** The version of these messages; a node answers a `hello` of another major version with `BadFrame` and closes. */
export const apiProtocol = 1;
export const apiSubprotocols = { binary: 'haret.v1.binary', superjson: 'haret.v1.superjson' } as const;
/** Messages in one frame. */
export const maxFrameMessages = 65_536;
export const idField = uint();

/** Where a replica is, as `enter` prints it. */
export const primarySchema = struct({
  name: nameSchema,
  group: nameSchema,
  nodeName: nameSchema,
  nodeAddress: addressSchema,
  apiAddress: addressSchema,
});
export type PrimaryInfo = TypeOf<typeof primarySchema>;

export const serverVariants = {
  /** Answers `hello`. */
  welcome: [
    1,
    {
      protocol: uint(),
      cluster: idSchema,
      node: nameSchema,
      maxFrameBytes: uint(),
      maxValueBytes: uint(),
      maxWindow: uint(),
    },
  ],
  reply: [2, { id: idField, reply: embedded(replySchema) }],
  /** It was not done, or (`outcome` unknown) may have been. */
  error: [3, { id: idField, error: errorSchema }],
  /** `here`: the primary is on this node. `primary` null: none is known now. */
  entered: [
    4,
    { id: idField, namespaceId: uint(), epoch: uint(), view: uint(), here: bool, primary: nullable(primarySchema) },
  ],
  namespaces: [5, { id: idField, names: list(nameSchema, 65_536) }],
  pong: [6, { id: idField }],
  /** A fault of the whole connection; it is closed after this. */
  goodbye: [7, { error: errorSchema }],
  /** The watch `id` has begun: it tells everything behind `op`. An `error` with its id ends it, then or later. */
  watching: [8, { id: idField, op: uint() }],
  /** What one committed entry changed of what is watched. */
  event: [9, { id: idField, event: embedded(watchEventSchema) }],
  /**
   * A page of the state after `op`, told as changes that make it, depth first. The events behind `op` follow its last page. `reset`:
   * it stands in the place of events that are no longer remembered.
   */
  snapshot: [10, { id: idField, op: uint(), reset: bool, first: bool, last: bool, changes: changesSchema }],
  /** Everything up to `op` was told: there was nothing else of what is watched. */
  progress: [11, { id: idField, op: uint() }],
  /** Another one claims the ClientID of this session: whoever holds it still says so by a keep-alive, soon. */
  who: [12, { namespaceId: uint(), session: uint() }],
  /**
   * Whether this node has a way to a quorum of a namespace that was entered or is watched on this connection. Told when that changes; until
   * then it has. While it has none nothing is committed through it, and what is watched stands still: another node may do better.
   */
  standing: [13, { namespaceId: uint(), served: bool }],
} as const;
/** With replies and events as the values that they are: as text carries them, and as clients read them. */
export const incomingSchema = union(serverVariants);
/** What a client is told. */
export type Incoming = TypeOf<typeof incomingSchema>;
