/** A value as the bytes of its binary form, no more and no less. */

import { Reader, Writer } from './bytes.ts';
import type { Slab } from './bytes.ts';
import type { Schema } from './schema.ts';

/** A shared buffer that grew past this is let go, so that one large value does not stay in memory for good. */
const keptWriterBytes = 1024 * 1024;

// One for everything that is encoded whole: encoding never waits, so two encodings never overlap.
let sharedWriter = new Writer(64 * 1024);

/** The binary form of `value`, in bytes of its own. */
export function encodeWhole<T>(schema: Schema<T>, value: T): Uint8Array {
  sharedWriter.reset();
  schema.encode(sharedWriter, value);
  const bytes = sharedWriter.finish();
  if (bytes.length > keptWriterBytes) sharedWriter = new Writer(64 * 1024);
  return bytes;
}

/** The same in a slab, for what many calls hold for about as long. */
export function packWhole<T>(schema: Schema<T>, value: T, slab: Slab): Uint8Array {
  sharedWriter.reset();
  schema.encode(sharedWriter, value);
  return slab.copy(sharedWriter.view());
}

/** @throws MalformedError on bytes that are not one value, whole. */
export function decodeWhole<T>(schema: Schema<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = schema.decode(reader);
  reader.end();
  return value;
}
