/** What a page needs of `core/base/hex.ts`: its bundle is built with this in its place. */

export function hexFromBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
