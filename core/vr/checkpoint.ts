/**
 * What a checkpoint is to the protocol: an op, and the hashes of the chunks of a state that only the machine can read
 * (protocol §6).
 */

import { Writer } from '../base/bytes.ts';
import type { Op } from '../base/ids.ts';
import { checksumSchema } from '../base/ids.ts';
import type { Hash } from '../base/ports.ts';
import type { TypeOf } from '../base/schema.ts';
import { list, struct, uint } from '../base/schema.ts';
import { configurationSchema } from './configuration.ts';
import { lineageSchema } from './lineage.ts';

/** Every chunk of a checkpoint has this size, except the last. So chunk boundaries are the same on every replica. */
export const checkpointChunkBytes = 256 * 1024;
const maxChunks = 65_536;

const sealedFields = {
  op: uint<Op>(),
  /** The checksum of the entry at `op`. The log continues from it. */
  checksum: checksumSchema,
  /** The replicated clock at `op`, in milliseconds. */
  timestamp: uint(),
  configuration: configurationSchema,
  /** Bytes of the log up to `op` that this checkpoint replaces, as all replicas count them. */
  logBytes: uint(),
  /** In which views the entries up to `op` were made. A replica that is behind compares it with what it has committed. */
  lineage: lineageSchema,
  size: uint(),
  chunks: list(checksumSchema, maxChunks),
};
const sealedSchema = struct(sealedFields);

export const checkpointInfoSchema = struct({
  ...sealedFields,
  /** The hash of the encoding of all fields above. Equal op means equal hash (protocol §6). */
  hash: checksumSchema,
});
export type CheckpointInfo = TypeOf<typeof checkpointInfoSchema>;

/** Names a checkpoint by the hash of everything that is known of it, and its chunks by their own hashes. */
export function sealCheckpoint(content: Omit<CheckpointInfo, 'hash'>, hash: Hash): CheckpointInfo {
  const writer = new Writer(256 + 16 * content.chunks.length);
  sealedSchema.encode(writer, content);
  return { ...content, hash: hash.digest(writer.view()) };
}

/** True when a checkpoint that a peer described matches its hash. Its chunks are checked one by one. */
export function isSealed(info: CheckpointInfo, hash: Hash): boolean {
  return (
    info.chunks.length === Math.ceil(info.size / checkpointChunkBytes) && sealCheckpoint(info, hash).hash === info.hash
  );
}
