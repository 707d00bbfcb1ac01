/**
 * What is proposed to the root group and what it answers: the entries of the catalog (architecture §6), and the records
 * that it keeps.
 */

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

/**
 * The requests to the root group. Each may be sent again without harm. The answer is then the same as before, or what
 * is true now.
 */
export const catalogEntrySchema = union({
  /** The founding record, which is the first entry of a cluster. Its node is the first node. */
  found: [1, { cluster: clusterIdSchema, node: nodeInfoSchema }],
  addNode: [2, { node: nodeInfoSchema }],
  /** New addresses of a node that is known by name and incarnation. */
  updateNode: [3, { node: nodeInfoSchema }],
  /**
   * Takes a node that runs no replicas out of the cluster. Afterwards only another incarnation can come back under its
   * name.
   */
  ejectNode: [4, { name: nameSchema, incarnation: incarnationSchema }],
  createNamespace: [
    5,
    {
      name: nameSchema,
      /** The client draws it for this one request. A retry with the same nonce is answered with the same id. */
      nonce: idSchema,
      replicas: list(memberSchema, maxMembers),
      limits: serviceLimitsSchema,
      allowSmall: bool,
    },
  ],
  /**
   * Changes nothing. It follows each change and records on every disk that the change is committed. So nodes that start
   * again while the root group has no primary still know of the change.
   */
  settled: [6, {}],
});
export type CatalogEntry = TypeOf<typeof catalogEntrySchema>;

export const catalogReplySchema = union({
  /** `id` is the namespace that was made. For other entries it is the op at which the request became true. */
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
  /** The op that made it. It is unique in the cluster and is never given to another namespace (architecture §6). */
  id: uint<NamespaceId>(),
  name: nameSchema,
  nonce: idSchema,
  /** The founding members of its group, in the order in which they become primary. */
  replicas: list(memberSchema, maxMembers),
  limits: serviceLimitsSchema,
});
export type NamespaceRecord = TypeOf<typeof namespaceRecordSchema>;

export function encodeCatalogEntry(entry: CatalogEntry): Uint8Array {
  return encodeWhole(catalogEntrySchema, entry);
}

/** @throws MalformedError on bytes that are not exactly one entry. */
export function decodeCatalogEntry(bytes: Uint8Array): CatalogEntry {
  return decodeWhole(catalogEntrySchema, bytes);
}

export function encodeCatalogReply(reply: CatalogReply): Uint8Array {
  return encodeWhole(catalogReplySchema, reply);
}

/** @throws MalformedError on bytes that are not exactly one reply. */
export function decodeCatalogReply(bytes: Uint8Array): CatalogReply {
  return decodeWhole(catalogReplySchema, bytes);
}
