/**
 * A node as it presents itself to others, as the catalog lists it, and as each node's record keeps it. All three are
 * described here, once.
 */

import { addressSchema, incarnationSchema, isAddress, isName, nameSchema } from '../base/ids.ts';
import type { TypeOf } from '../base/schema.ts';
import { struct } from '../base/schema.ts';

export const nodeInfoFields = {
  name: nameSchema,
  /** The incarnation of its store. The same name with another incarnation is a stranger (protocol §2). */
  incarnation: incarnationSchema,
  clusterAddress: addressSchema,
  adminAddress: addressSchema,
  apiAddress: addressSchema,
};
export const nodeInfoSchema = struct(nodeInfoFields);
export type NodeInfo = TypeOf<typeof nodeInfoSchema>;

/** True when we can dial the addresses that a node gives, and show them on a terminal. */
export function isPresentable({ name, clusterAddress, adminAddress, apiAddress }: NodeInfo): boolean {
  return isName(name) && isAddress(clusterAddress) && isAddress(adminAddress) && isAddress(apiAddress);
}

/** The fields of a node info, taken from something that has more fields. */
export function nodeInfoOf({ name, incarnation, clusterAddress, adminAddress, apiAddress }: NodeInfo): NodeInfo {
  return { name, incarnation, clusterAddress, adminAddress, apiAddress };
}
