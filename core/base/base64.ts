/** Bytes as base64, padded and canonical: each value has exactly one form. */

import { textOf } from './utf8.ts';

const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const base64Value = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) base64Value[base64Alphabet.charCodeAt(i)] = i;

const base64Code = Uint8Array.from(base64Alphabet, (letter) => letter.charCodeAt(0));
const paddingCode = 0x3d;

export function base64FromBytes(bytes: Uint8Array): string {
  // Letters are gathered as bytes and become text at once: joining strings would take a hundred times as long.
  const letters = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(paddingCode);
  let group = 0;
  /** Bits of `group` that no letter has told yet; what is above them is of no account. */
  let bits = 0;
  let at = 0;
  for (let i = 0; i < bytes.length; i++) {
    group = (group << 8) | bytes[i]!;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      letters[at++] = base64Code[(group >> bits) & 63]!;
    }
  }
  if (bits > 0) letters[at] = base64Code[(group << (6 - bits)) & 63]!;
  return textOf(letters) ?? '';
}

/** The bytes of canonical, padded base64, or null when `text` is not canonical base64. */
export function bytesFromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let group = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length - padding; i++) {
    const value = base64Value[text.charCodeAt(i)] ?? -1;
    if (value < 0) return null;
    group = (group << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = group >> bits;
    }
  }
  // The bits that stand for no byte must be zero, so that every value has one form only.
  return (group & ((1 << bits) - 1)) === 0 ? bytes : null;
}
