/**
 * How stored bytes and text are shown: as the first haret printed them, and on a terminal so that they cannot control
 * it (docs/language.md).
 */

import { base64FromBytes, textOf } from '../base/bytes.ts';
import type { JsonValue } from './outcome.ts';

/** Text when the bytes are UTF-8. Otherwise `[255, 0]`, as the first haret printed them. */
export function displayBytes(bytes: Uint8Array): string {
  return textOf(bytes) ?? `[${bytes.join(', ')}]`;
}

/** Text when the bytes are UTF-8. Otherwise `{"b64": ...}`. */
export function jsonOfBytes(bytes: Uint8Array): JsonValue {
  return textOf(bytes) ?? { b64: base64FromBytes(bytes) };
}

/**
 * Characters that a terminal obeys or does not show. A terminal obeys C0, DEL and C1. Separators break lines. Programs
 * ignore certain characters of Unicode: marks for the direction of text, and characters without width and shape, which
 * could hide in a name. Joiners that scripts and emoji need, and variation selectors, are not among them.
 */
export const controlCharacters =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufff9-\ufffb]|(?![\u200c\u200d\p{VS}])\p{DI}/gu;
const named: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** `text` with every control character written as an escape, for terminals. */
export function escapeControls(text: string): string {
  return text.replace(controlCharacters, (character) => {
    const name = named.get(character);
    if (name !== undefined) return name;
    const code = character.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** A JSON text with every control character in it written as an escape. Its value stays the same. */
export function escapeControlsOfJson(json: string): string {
  return json.replace(controlCharacters, (character) => {
    let escaped = '';
    for (let i = 0; i < character.length; i++) escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    return escaped;
  });
}

/**
 * JSON for programs. A terminal may show it too, so it has no raw character that a terminal obeys. Its value stays the
 * same.
 */
export function harmlessJson(value: unknown): string {
  return escapeControlsOfJson(JSON.stringify(value));
}
