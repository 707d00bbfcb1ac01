/** How stored bytes and text look: as haret printed them, and on a terminal so that they cannot drive it (docs/language.md). */

import { base64FromBytes, textOf } from '../base/bytes.ts';
import type { JsonValue } from './outcome.ts';

/** Text when the bytes are UTF-8, else `[255, 0]` as haret printed them. */
export function displayBytes(bytes: Uint8Array): string {
  return textOf(bytes) ?? `[${bytes.join(', ')}]`;
}

/** Text when the bytes are UTF-8, else `{"b64": ...}`. */
export function jsonOfBytes(bytes: Uint8Array): JsonValue {
  return textOf(bytes) ?? { b64: base64FromBytes(bytes) };
}

/** C0, DEL and C1, which terminals obey; separators that break lines; every mark that bears on the direction of text. */
export const controlCharacters =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const named: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** `text` with every control character written out: for terminals. */
export function escapeControls(text: string): string {
  return text.replace(controlCharacters, (character) => {
    const name = named.get(character);
    if (name !== undefined) return name;
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** JSON for whoever reads objects, whose terminal may show it all the same: the same value, with nothing raw in it that a terminal obeys. */
export function harmlessJson(value: unknown): string {
  return JSON.stringify(value).replace(
    controlCharacters,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
