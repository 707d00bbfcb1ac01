/** Bytes as base64, padded and canonical: each value has exactly one form. */

import { textOf } from './utf8.ts';

const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const base64Value = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) base64Value[base64Alphabet.charCodeAt(i)] = i;

const base64Code = Uint8Array.from(base64Alphabet, (letter) => letter.charCodeAt(0));
const paddingCode = 0x3d;

export function base64FromBytes(bytes: Uint8Array): string {
  // We collect the letters as bytes and turn them into text once. Joining strings would take a hundred times as long.
  const letters = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  const whole = bytes.length - (bytes.length % 3);
  let at = 0;
  for (let i = 0; i < whole; i += 3) {
    const group = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    letters[at++] = base64Code[group >> 18]!;
    letters[at++] = base64Code[(group >> 12) & 63]!;
    letters[at++] = base64Code[(group >> 6) & 63]!;
    letters[at++] = base64Code[group & 63]!;
  }
  if (whole < bytes.length) {
    const second = bytes[whole + 1];
    const group = (bytes[whole]! << 16) | ((second ?? 0) << 8);
    letters[at++] = base64Code[group >> 18]!;
    letters[at++] = base64Code[(group >> 12) & 63]!;
    letters[at++] = second === undefined ? paddingCode : base64Code[(group >> 6) & 63]!;
    letters[at] = paddingCode;
  }
  return textOf(letters) ?? '';
}

/** The bytes of canonical, padded base64, or null when `text` is not canonical base64. */
export function bytesFromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  const whole = padding === 0 ? text.length : text.length - 4;
  let at = 0;
  for (let i = 0; i < whole; i += 4) {
    const group = base64Group(text, i, 4);
    if (group < 0) return null;
    bytes[at++] = group >> 16;
    bytes[at++] = (group >> 8) & 255;
    bytes[at++] = group & 255;
  }
  if (padding > 0) {
    const group = base64Group(text, whole, 4 - padding);
    // The bits after the last byte must be zero, so that each value has only one form.
    if (group < 0 || (group & (padding === 2 ? 0xffff : 0xff)) !== 0) return null;
    bytes[at++] = group >> 16;
    if (padding === 1) bytes[at] = (group >> 8) & 255;
  }
  return bytes;
}

/**
 * The 24 bits of `letters` letters from `at` on; the remaining bits are zero. Negative when one of them is not a base64
 * letter.
 */
function base64Group(text: string, at: number, letters: number): number {
  let group = 0;
  let wrong = 0;
  for (let i = 0; i < 4; i++) {
    const code = i < letters ? text.charCodeAt(at + i) : 0x41;
    const value = code < 128 ? base64Value[code]! : -1;
    wrong |= value;
    group = (group << 6) | (value & 63);
  }
  return wrong < 0 ? -1 : group;
}
