/** A node as it presents itself to others, as the catalog lists it, and as each node's record keeps it: one thing, described once. */

import { addressSchema, idSchema, isAddress, isName, nameSchema } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { struct } from '../base/schema.ts';

export const nodeInfoFields = {
  name: nameSchema,
  /** The incarnation of its store: the same name with another one is a stranger (protocol §2). */
  incarnation: idSchema,
  clusterAddress: addressSchema,
  adminAddress: addressSchema,
  apiAddress: addressSchema,
};
export const nodeInfoSchema = struct(nodeInfoFields);
export type NodeInfo = TypeOf<typeof nodeInfoSchema>;

/** What a node says of itself can be dialled, and shown on a terminal. */
export function isPresentable({ name, clusterAddress, adminAddress, apiAddress }: NodeInfo): boolean {
  return isName(name) && isAddress(clusterAddress) && isAddress(adminAddress) && isAddress(apiAddress);
}

/** The same fields, of something that has more of them. */
export function nodeInfoOf({ name, incarnation, clusterAddress, adminAddress, apiAddress }: NodeInfo): NodeInfo {
  return { name, incarnation, clusterAddress, adminAddress, apiAddress };
}
