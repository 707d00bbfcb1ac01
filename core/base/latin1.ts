/**
 * Bytes as text of the same length, one character for each byte, and bytes as hexadecimal. The engine's own strings are
 * the cheapest way to keep small byte strings, but the language has no quick way to make one. A host that has a quick
 * way lends it. What a host lends gives the same results as the functions here, only sooner; a conformance suite checks
 * that (architecture §1).
 */

export interface Latin1 {
  /** The text of the bytes from `from` to before `to`. */
  text(bytes: Uint8Array, from: number, to: number): string;
  /** The same bytes as lower-case hexadecimal. */
  hex(bytes: Uint8Array, from: number, to: number): string;
}

const digits = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** Every engine takes this many arguments in one call. */
const maxAtOnce = 4096;

/** Makes one flat string at once. Appending would build a rope. */
function textOfCodes(codes: readonly number[]): string {
  if (codes.length <= maxAtOnce) return String.fromCharCode.apply(null, codes as number[]);
  let text = '';
  for (let at = 0; at < codes.length; at += maxAtOnce) {
    text += String.fromCharCode.apply(null, codes.slice(at, at + maxAtOnce));
  }
  return text;
}

export const portableLatin1: Latin1 = {
  text: (bytes, from, to) => {
    const codes: number[] = [];
    for (let at = from; at < to; at++) codes.push(bytes[at]!);
    return textOfCodes(codes);
  },
  hex: (bytes, from, to) => {
    const codes: number[] = [];
    for (let at = from; at < to; at++) codes.push(digits[bytes[at]! >> 4]!, digits[bytes[at]! & 15]!);
    return textOfCodes(codes);
  },
};

let lent = portableLatin1;

/** Takes the host's functions. The host calls this once, before anything else runs. */
export function lendLatin1(host: Latin1): void {
  lent = host;
}

export function latin1Text(bytes: Uint8Array, from: number, to: number): string {
  return lent.text(bytes, from, to);
}

export function hexText(bytes: Uint8Array, from: number, to: number): string {
  return lent.hex(bytes, from, to);
}
