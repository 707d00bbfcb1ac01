/**
 * How the tree keeps values. An array of bytes costs an engine some 350 bytes besides its content, much of it outside
 * the garbage-collected heap. A string of one-byte characters costs 16. So small values are kept as strings whose
 * characters are the bytes, and large ones as arrays. Code outside this room does not see the difference.
 */

import type { Writer } from '../base/bytes.ts';
import { latin1Text } from '../base/latin1.ts';

/**
 * A string has at most {@link maxPackedBytes} characters, which are bytes. `length` is the length of the value in both
 * forms.
 */
export type Stored = string | Uint8Array;

/** Above this size the overhead of an array no longer matters, but copying in and out would. */
const maxPackedBytes = 1024;
/** The built-in encoder copies ASCII faster than a loop, once there is enough of it to pay for the call. */
const minEncodedLength = 24;

const encoder = new TextEncoder();

/** Copies a value that came as a view of a frame, so that the tree keeps only the value alive and not the frame. */
export function store(value: Uint8Array): Stored {
  return value.length > maxPackedBytes ? new Uint8Array(value) : latin1Text(value, 0, value.length);
}

/** The bytes of a value. They must only be read, because those of a large value belong to the tree. */
export function load(stored: Stored): Uint8Array {
  if (typeof stored !== 'string') return stored;
  const length = stored.length;
  const value = new Uint8Array(length);
  // Characters above 127 take two bytes in UTF-8, so the encoder reads to the end only if there are none.
  if (length >= minEncodedLength && encoder.encodeInto(stored, value).read === length) return value;
  for (let i = 0; i < length; i++) value[i] = stored.charCodeAt(i);
  return value;
}

export function equalsStored(stored: Stored, value: Uint8Array): boolean {
  if (stored.length !== value.length) return false;
  if (typeof stored === 'string') {
    for (let i = 0; i < value.length; i++) if (stored.charCodeAt(i) !== value[i]) return false;
  } else {
    for (let i = 0; i < value.length; i++) if (stored[i] !== value[i]) return false;
  }
  return true;
}

/** Writes a value with its length. */
export function writeStored(writer: Writer, stored: Stored): void {
  writer.bytes(load(stored));
}
