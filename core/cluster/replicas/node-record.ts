/**
 * What a node must know before it hears from another node: its cluster, the root group that it follows, the other
 * nodes' addresses, and for each namespace here the name and limits of its state machine. It is kept as one durable
 * record of the store.
 */

import { Reader, Writer } from '../../base/bytes.ts';
import type { NamespaceId } from '../../base/ids.ts';
import { clusterIdSchema, nameSchema } from '../../base/ids.ts';
import type { TypeOf } from '../../base/schema.ts';
import { list, struct, uint } from '../../base/schema.ts';
import { serviceLimitsSchema } from '../../service/limits.ts';
import { configurationSchema } from '../../vr/configuration.ts';
import { nodeInfoSchema } from '../../wire/node-info.ts';

const hostedNamespaceSchema = struct({ id: uint<NamespaceId>(), name: nameSchema, limits: serviceLimitsSchema });
export type HostedNamespace = TypeOf<typeof hostedNamespaceSchema>;

const nodeRecordSchema = struct({
  format: uint(1, 1),
  name: nameSchema,
  cluster: clusterIdSchema,
  root: configurationSchema,
  nodes: list(nodeInfoSchema, 4096),
  namespaces: list(hostedNamespaceSchema, 65_536),
});
export type NodeRecord = TypeOf<typeof nodeRecordSchema>;

export function encodeNodeRecord(record: NodeRecord): Uint8Array {
  const writer = new Writer();
  nodeRecordSchema.encode(writer, record);
  return writer.finish();
}

/** @throws MalformedError on a record that neither this release nor an earlier one wrote. */
export function decodeNodeRecord(bytes: Uint8Array): NodeRecord {
  const reader = new Reader(bytes);
  const record = nodeRecordSchema.decode(reader);
  reader.end();
  return record;
}
