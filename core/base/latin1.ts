/**
 * Bytes as text of the same length, each byte the character of its number, and bytes as hexadecimal. The engine's own strings are the
 * cheapest keepers of small byte strings, but the language has no quick way to make one: a host that has one lends it. Whatever
 * is lent gives the same results as what is here, only sooner; its conformance suite says so (architecture §1).
 */

export interface Latin1 {
  /** The text of the bytes from `from` to before `to`. */
  text(bytes: Uint8Array, from: number, to: number): string;
  /** The same bytes as lower-case hexadecimal. */
  hex(bytes: Uint8Array, from: number, to: number): string;
}

const digits = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** As many arguments as every engine takes in one call. */
const maxAtOnce = 4096;

/** One flat string at once, where appending would build a rope. */
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

/** Takes what the host lends, once, before it begins. */
export function lendLatin1(host: Latin1): void {
  lent = host;
}

export function latin1Text(bytes: Uint8Array, from: number, to: number): string {
  return lent.text(bytes, from, to);
}

export function hexText(bytes: Uint8Array, from: number, to: number): string {
  return lent.hex(bytes, from, to);
}
