/** Bytes as lower-case hexadecimal, for what is short or rare; what decodes messages takes it from `latin1.ts`. */

export function hexFromBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
