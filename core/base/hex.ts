/** Bytes as lower-case hexadecimal. */

const hexOf: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function hexFromBytes(bytes: Uint8Array): string {
  if (bytes.length === 16) return hexOf16(bytes);
  let hex = '';
  for (const byte of bytes) hex += hexOf[byte]!;
  return hex;
}

const digitOf = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** Ids and checksums, of which every entry has two: one flat string at once, where appending builds a rope of sixteen. */
function hexOf16(b: Uint8Array): string {
  const d = digitOf;
  // prettier-ignore
  return String.fromCharCode(
    d[b[0]! >> 4]!, d[b[0]! & 15]!, d[b[1]! >> 4]!, d[b[1]! & 15]!, d[b[2]! >> 4]!, d[b[2]! & 15]!,
    d[b[3]! >> 4]!, d[b[3]! & 15]!, d[b[4]! >> 4]!, d[b[4]! & 15]!, d[b[5]! >> 4]!, d[b[5]! & 15]!,
    d[b[6]! >> 4]!, d[b[6]! & 15]!, d[b[7]! >> 4]!, d[b[7]! & 15]!, d[b[8]! >> 4]!, d[b[8]! & 15]!,
    d[b[9]! >> 4]!, d[b[9]! & 15]!, d[b[10]! >> 4]!, d[b[10]! & 15]!, d[b[11]! >> 4]!, d[b[11]! & 15]!,
    d[b[12]! >> 4]!, d[b[12]! & 15]!, d[b[13]! >> 4]!, d[b[13]! & 15]!, d[b[14]! >> 4]!, d[b[14]! & 15]!,
    d[b[15]! >> 4]!, d[b[15]! & 15]!,
  );
}
