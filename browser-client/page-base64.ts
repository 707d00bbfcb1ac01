/** `core/base/base64.ts` for pages, which load less: by the browser's own functions. */

const partBytes = 8192;

export function base64FromBytes(bytes: Uint8Array): string {
  let text = '';
  // A call cannot have any number of arguments.
  for (let i = 0; i < bytes.length; i += partBytes) text += String.fromCharCode(...bytes.subarray(i, i + partBytes));
  return btoa(text);
}

export function bytesFromBase64(text: string): Uint8Array | null {
  try {
    const decoded = atob(text);
    // The browser also takes other forms of the same bytes.
    return btoa(decoded) === text ? Uint8Array.from(decoded, (char) => char.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}
