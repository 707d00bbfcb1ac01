/** The messages of the admin interface, between `haret-admin` and a node: the admin commands of docs/language.md. */

import type { Epoch, NamespaceId, Op, View } from '../base/ids.ts';
import { addressSchema, idSchema, nameSchema } from '../base/ids.ts';
import { errorSchema } from '../base/error-schema.ts';
import type { TypeOf } from '../base/schema.ts';
import { bool, list, nullable, oneOf, struct, text, uint, union } from '../base/schema.ts';

export const adminSubprotocols = { binary: 'haret-admin.v1.binary', superjson: 'haret-admin.v1.superjson' } as const;

/** The place of a replica, as a user types it: `r1::dev1@127.0.0.1:2000`. */
export const placementSchema = struct({ replica: nameSchema, node: nameSchema, address: addressSchema });
export type Placement = TypeOf<typeof placementSchema>;

/**
 * The last four are for nodes that are left out: another data directory answers under the name, the node's own log is
 * gone, another node was joined at its address, or what answers there cannot prove itself.
 */
export const nodeStateSchema = oneOf(
  'unknown',
  'surplus',
  'participating',
  'ejected',
  'stranger',
  'emptied',
  'replaced',
  'unproven',
);

export const memberStatusSchema = struct({
  node: nameSchema,
  address: addressSchema,
  apiAddress: addressSchema,
  state: nodeStateSchema,
  connected: bool,
  /** True for the node that answers. */
  self: bool,
});

export const replicaStatusSchema = struct({
  namespace: nameSchema,
  namespaceId: uint<NamespaceId>(),
  replica: nameSchema,
  node: nameSchema,
  address: addressSchema,
  status: text(32),
  primary: nullable(text(512)),
  isPrimary: bool,
  epoch: uint<Epoch>(),
  view: uint<View>(),
  logEpoch: uint<Epoch>(),
  logView: uint<View>(),
  head: uint<Op>(),
  commit: uint<Op>(),
  applied: uint<Op>(),
  checkpointOp: uint<Op>(),
  logFirst: uint<Op>(),
  sessions: uint(),
  keys: uint(),
  bytes: uint(),
});
export type ReplicaStatusInfo = TypeOf<typeof replicaStatusSchema>;

export const namespaceStatusSchema = struct({
  namespace: nameSchema,
  namespaceId: uint<NamespaceId>(),
  replicas: list(placementSchema, 64),
  primary: nullable(text(512)),
});

export const adminCommandSchema = union({
  clusterJoin: [1, { node: nameSchema, address: addressSchema }],
  clusterStatus: [2, {}],
  createNamespace: [3, { namespace: nameSchema, replicas: list(placementSchema, 64), allowSmall: bool }],
  namespaces: [4, {}],
  /** With an empty `node`, the replica is looked for on all nodes. */
  replica: [5, { namespace: nameSchema, replica: nameSchema, node: text(64) }],
  primary: [6, { namespace: nameSchema }],
  config: [7, {}],
  /** Names and values. An empty `prefix` gives all. */
  metrics: [8, { prefix: text(128) }],
  /** Sets the level when `level` is not empty. The answer is the level in force. */
  logLevel: [9, { level: text(16) }],
  ping: [10, {}],
});
export type AdminCommand = TypeOf<typeof adminCommandSchema>;

const pairSchema = struct({ name: text(256), value: text(4096) });

export const adminResultSchema = union({
  ok: [1, {}],
  /** `cluster` is null until this node founds or joins one. `warnings` name groups that lack voters. */
  clusterStatus: [
    2,
    {
      cluster: nullable(idSchema),
      node: nameSchema,
      members: list(memberStatusSchema, 4096),
      warnings: list(text(65_536), 64),
    },
  ],
  namespaces: [3, { namespaces: list(namespaceStatusSchema, 65_536) }],
  replica: [4, { replica: replicaStatusSchema }],
  /** `NS::r1::NAME@HOST:PORT` or null. */
  primary: [5, { primary: nullable(text(512)) }],
  pairs: [6, { pairs: list(pairSchema, 65_536) }],
  text: [7, { text: text(65_536) }],
});
export type AdminResult = TypeOf<typeof adminResultSchema>;

export const adminRequestSchema = struct({ id: uint(), command: adminCommandSchema });
export type AdminRequest = TypeOf<typeof adminRequestSchema>;

export const adminReplySchema = union({
  done: [1, { id: uint(), result: adminResultSchema }],
  failed: [2, { id: uint(), error: errorSchema }],
  goodbye: [3, { error: errorSchema }],
});
export type AdminReply = TypeOf<typeof adminReplySchema>;

/** Messages in one frame. */
export const maxAdminFrameMessages = 1024;
export const adminRequestFrameSchema = list(adminRequestSchema, maxAdminFrameMessages);
export const adminReplyFrameSchema = list(adminReplySchema, maxAdminFrameMessages);
