/** What a checkpoint is to the protocol: an op, and the hashes of the chunks of a state that only the machine reads (protocol §6). */

import { Writer } from '../base/bytes.ts';
import { idSchema } from '../base/ids.ts';
import type { Hash } from '../base/ports.ts';
import type { TypeOf } from '../base/schema.ts';
import { list, struct, uint } from '../base/schema.ts';
import { configurationSchema } from './configuration.ts';

/** Every chunk of a checkpoint has this size, the last one what is left: boundaries are the same on every replica. */
export const checkpointChunkBytes = 256 * 1024;
const maxChunks = 65_536;

const sealedFields = {
  op: uint(),
  /** The checksum of the entry at `op`: what the log goes on from. */
  checksum: idSchema,
  /** The replicated clock at `op`, in milliseconds. */
  timestamp: uint(),
  configuration: configurationSchema,
  /** Bytes of the log up to `op` that this checkpoint stands for, as all replicas count them. */
  logBytes: uint(),
  size: uint(),
  chunks: list(idSchema, maxChunks),
};
const sealedSchema = struct(sealedFields);

export const checkpointInfoSchema = struct({
  ...sealedFields,
  /** The hash of the encoding of all fields above: equal op means equal hash (protocol §6). */
  hash: idSchema,
});
export type CheckpointInfo = TypeOf<typeof checkpointInfoSchema>;

/** Names a checkpoint by the hash of everything that is known of it, its chunks by their own. */
export function sealCheckpoint(content: Omit<CheckpointInfo, 'hash'>, hash: Hash): CheckpointInfo {
  const writer = new Writer(256 + 16 * content.chunks.length);
  sealedSchema.encode(writer, content);
  return { ...content, hash: hash.digest(writer.view()) };
}

/** True when a checkpoint that a peer described is what its hash says; its chunks are checked one by one. */
export function isSealed(info: CheckpointInfo, hash: Hash): boolean {
  return (
    info.chunks.length === Math.ceil(info.size / checkpointChunkBytes) && sealCheckpoint(info, hash).hash === info.hash
  );
}
