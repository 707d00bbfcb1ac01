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

/**
 * What a terminal obeys or does not show. C0, DEL and C1, which it obeys; separators that break lines; and what Unicode has programs ignore:
 * every mark that bears on the direction of text, and all that has neither width nor shape and so hides in a name. The joiners that scripts and
 * emoji need, and the selectors of their variants, are no such things.
 */
export const controlCharacters =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufff9-\ufffb]|(?![\u200c\u200d\p{VS}])\p{DI}/gu;
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
    const code = character.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The text of JSON with every control character in it written out: the same value. */
export function escapeControlsOfJson(json: string): string {
  return json.replace(controlCharacters, (character) => {
    let escaped = '';
    for (let i = 0; i < character.length; i++) escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    return escaped;
  });
}

/** JSON for whoever reads objects, whose terminal may show it all the same: the same value, with nothing raw in it that a terminal obeys. */
export function harmlessJson(value: unknown): string {
  return escapeControlsOfJson(JSON.stringify(value));
}
