/** What `core/base/base64.ts` does, by what every browser has: a page's bundle is built with this in its place. */

export function base64FromBytes(bytes: Uint8Array): string {
  let letters = '';
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters);
}

/** Bytes of canonical, padded base64, or null when `text` is not that. */
export function bytesFromBase64(text: string): Uint8Array | null {
  try {
    const letters = atob(text);
    // A browser also reads what is not canonical.
    return btoa(letters) === text ? Uint8Array.from(letters, (letter) => letter.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}
