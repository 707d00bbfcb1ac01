/** What is proposed to the root group and what it answers: the entries of the catalog (architecture §6), and the records it keeps. */

import { errorSchema } from '../../base/error-schema.ts';
import type { NamespaceId, Op } from '../../base/ids.ts';
import { clusterIdSchema, idSchema, incarnationSchema, nameSchema } from '../../base/ids.ts';
import type { TypeOf } from '../../base/schema.ts';
import { bool, list, struct, uint, union } from '../../base/schema.ts';
import { decodeWhole, encodeWhole } from '../../base/whole.ts';
import { serviceLimitsSchema } from '../../service/limits.ts';
import { maxMembers, memberSchema } from '../../vr/configuration.ts';
import { nodeInfoFields, nodeInfoSchema } from '../../wire/node-info.ts';

export const maxNodes = 4096;
export const maxNamespaces = 65_536;

/** What the root group is asked to do. Each may be sent again without harm: it answers what it answered, or what is now true. */
export const catalogEntrySchema = union({
  /** The founding record: the first entry of a cluster. Its node is the first one. */
  found: [1, { cluster: clusterIdSchema, node: nodeInfoSchema }],
  addNode: [2, { node: nodeInfoSchema }],
  /** New addresses of a node that is known by name and incarnation. */
  updateNode: [3, { node: nodeInfoSchema }],
  /** Takes a node that runs no replicas out of the cluster; under its name only another incarnation comes back. */
  ejectNode: [4, { name: nameSchema, incarnation: incarnationSchema }],
  createNamespace: [
    5,
    {
      name: nameSchema,
      /** Drawn by who asks, for this one wish: a retry with the same nonce is answered with the same id. */
      nonce: idSchema,
      replicas: list(memberSchema, maxMembers),
      limits: serviceLimitsSchema,
      allowSmall: bool,
    },
  ],
  /**
   * Changes nothing. It follows each change, and says on every disk that this one is committed: nodes that start again while the root group
   * has no primary know of it all the same.
   */
  settled: [6, {}],
});
export type CatalogEntry = TypeOf<typeof catalogEntrySchema>;

export const catalogReplySchema = union({
  /** `id`: the namespace that was made; else the op at which what was asked for became true. */
  done: [1, { id: uint() }],
  error: [2, { error: errorSchema }],
});
export type CatalogReply = TypeOf<typeof catalogReplySchema>;

export const catalogNodeSchema = struct({
  ...nodeInfoFields,
  /** The op that added it. */
  added: uint<Op>(),
  ejected: bool,
});
/** A node as the catalog knows it, in the order in which nodes were added. */
export type CatalogNode = TypeOf<typeof catalogNodeSchema>;

export const namespaceRecordSchema = struct({
  /** The op that made it: unique in the cluster, and never another namespace's (architecture §6). */
  id: uint<NamespaceId>(),
  name: nameSchema,
  nonce: idSchema,
  /** The founding members of its group, in the order that picks primaries. */
  replicas: list(memberSchema, maxMembers),
  limits: serviceLimitsSchema,
});
export type NamespaceRecord = TypeOf<typeof namespaceRecordSchema>;

export function encodeCatalogEntry(entry: CatalogEntry): Uint8Array {
  return encodeWhole(catalogEntrySchema, entry);
}

/** @throws MalformedError on bytes that are not one entry, whole. */
export function decodeCatalogEntry(bytes: Uint8Array): CatalogEntry {
  return decodeWhole(catalogEntrySchema, bytes);
}

export function encodeCatalogReply(reply: CatalogReply): Uint8Array {
  return encodeWhole(catalogReplySchema, reply);
}

/** @throws MalformedError on bytes that are not one reply, whole. */
export function decodeCatalogReply(bytes: Uint8Array): CatalogReply {
  return decodeWhole(catalogReplySchema, bytes);
}
