/** A value as the bytes of its binary form, no more and no less. */

import { Reader, Writer } from './bytes.ts';
import type { Schema } from './schema.ts';

/** A shared buffer that grows past this is dropped, so that one large value does not stay in memory for good. */
const keptWriterBytes = 1024 * 1024;

// One buffer for all of them: encoding never waits, so two encodings never overlap.
let sharedWriter = new Writer(64 * 1024);

/** The binary form of `value`, in bytes of its own. */
export function encodeWhole<T>(schema: Schema<T>, value: T): Uint8Array {
  sharedWriter.reset();
  schema.encode(sharedWriter, value);
  const bytes = sharedWriter.finish();
  if (bytes.length > keptWriterBytes) sharedWriter = new Writer(64 * 1024);
  return bytes;
}

const packBytes = 64 * 1024;

/**
 * Encodes many small values one after the other, for owners that hold them about equally long. An engine pays for each
 * buffer, not for each view of one. A buffer is freed when its last value is.
 */
export class Packer {
  #writer = new Writer(packBytes);

  /** The binary form of `value`, in bytes that never change. */
  pack<T>(schema: Pick<Schema<T>, 'encode'>, value: T): Uint8Array {
    const at = this.#writer.length;
    schema.encode(this.#writer, value);
    const packed = this.#writer.viewFrom(at);
    if (this.#writer.length <= packBytes / 2) return packed;
    this.#writer = new Writer(packBytes);
    // A large value made the buffer grow to more than it needs.
    return packed.length > packBytes / 4 ? packed.slice() : packed;
  }
}

/** @throws {@link MalformedError} when the bytes are not exactly one value. */
export function decodeWhole<T>(schema: Schema<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = schema.decode(reader);
  reader.end();
  return value;
}
