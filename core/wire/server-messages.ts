/**
 * What a node tells its clients on the API interface: answers, which `id` pairs with the question on this connection,
 * and what watches are told. It is apart from what clients ask (api.ts), because a page reads these messages and only
 * writes those.
 */

import { errorSchema } from '../base/error-schema.ts';
import type { Epoch, NamespaceId, Op, SessionId, View } from '../base/ids.ts';
import { addressSchema, clusterIdSchema, nameSchema } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { bool, embedded, list, nullable, struct, uint, union } from '../base/schema.ts';
import { changesSchema, watchEventSchema } from '../service/events.ts';
import { replySchema } from '../service/reply.ts';
import { recordSchema } from '../service/told.ts';

/** The version of these messages. A node answers a `hello` of another major version with `BadFrame` and closes. */
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
      cluster: clusterIdSchema,
      node: nameSchema,
      maxFrameBytes: uint(),
      maxValueBytes: uint(),
      maxWindow: uint(),
    },
  ],
  reply: [2, { id: idField, reply: embedded(replySchema) }],
  /** The operation was not done; or, if `outcome` is unknown, it may have been done. */
  error: [3, { id: idField, error: errorSchema }],
  /** `here`: the primary is on this node. `primary` is null when none is known now. */
  entered: [
    4,
    {
      id: idField,
      namespaceId: uint<NamespaceId>(),
      epoch: uint<Epoch>(),
      view: uint<View>(),
      here: bool,
      primary: nullable(primarySchema),
    },
  ],
  namespaces: [5, { id: idField, names: list(nameSchema, 65_536) }],
  pong: [6, { id: idField }],
  /** An error of the whole connection, which is closed after this message. */
  goodbye: [7, { error: errorSchema }],
  /** The watch `id` has begun. It will tell everything after `op`. An `error` with its id ends it, now or later. */
  watching: [8, { id: idField, op: uint<Op>() }],
  /** What one committed entry changed in what is watched. */
  event: [9, { id: idField, event: embedded(watchEventSchema) }],
  /**
   * A page of the state after `op`, as the changes that would make it, depth first. The events after `op` follow the
   * last page. `reset`: it replaces events that are no longer remembered.
   */
  snapshot: [10, { id: idField, op: uint<Op>(), reset: bool, first: bool, last: bool, changes: changesSchema }],
  /** Everything up to `op` was told. Nothing else happened to what is watched. */
  progress: [11, { id: idField, op: uint<Op>() }],
  /**
   * Another client binds the ClientID of this session. A client that still holds it must soon say so with a
   * keep-alive.
   */
  who: [12, { namespaceId: uint<NamespaceId>(), session: uint<SessionId>() }],
  /**
   * Whether this node can reach a quorum of a namespace that this connection entered or watches. Told whenever it
   * changes; a client assumes true until told. While it is false, nothing is committed through this node and watches
   * stand still, so another node may serve better.
   */
  standing: [13, { namespaceId: uint<NamespaceId>(), served: bool }],
  /**
   * What became of something that belongs to a session of this connection, as soon as it is committed. It may be lost,
   * doubled and reordered: the answer to a keep-alive tells it again (coordination §3).
   */
  notice: [14, { namespaceId: uint<NamespaceId>(), session: uint<SessionId>(), record: recordSchema }],
} as const;
/** With replies and events as plain values, as the text codec carries them and as clients read them. */
export const incomingSchema = union(serverVariants);
/** What a client is told. */
export type Incoming = TypeOf<typeof incomingSchema>;
