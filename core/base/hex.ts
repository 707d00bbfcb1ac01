/** Bytes as lower-case hexadecimal. */

import { hexText } from './latin1.ts';

export function hexFromBytes(bytes: Uint8Array): string {
  return hexText(bytes, 0, bytes.length);
}
