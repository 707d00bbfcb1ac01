/** Output cannot control a terminal. The test uses Unicode's properties of characters, not our own list. */

import { describe, expect, it } from 'vitest';
import { escapeControls, harmlessJson } from '../../core/shell/index.ts';

/** Controls, separators of lines and paragraphs, and all marks for the direction of text. */
const harmful = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
/**
 * Characters without a shape that can hide in a name: blanks without width, byte order marks, soft hyphens, fillers,
 * and tag letters.
 */
const hidden = ['\u200b', '\ufeff', '\u00ad', '\u2060', '\u180e', '\u3164', '\ufffa', '\u{e0041}'];
const all = [
  ...Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter((one) => harmful.test(one)),
  ...hidden,
];

describe('a text that is shown', () => {
  it('has no control characters that a terminal obeys, as text and as JSON, and JSON keeps its value', () => {
    expect(all.length).toBeGreaterThan(70);
    for (const character of all) {
      const text = `a${character}b`;
      expect(escapeControls(text)).toMatch(/^a\\(?:[nrt]|x[0-9a-f]{2}|u\{[0-9a-f]+\})b$/);
      expect(harmlessJson({ text })).toMatch(/^[\x20-\x7e]+$/);
      expect(JSON.parse(harmlessJson({ text }))).toEqual({ text });
    }
  });

  it('has all other characters as they are', () => {
    // It has joiners, which some scripts and emoji need, and a variation selector.
    for (const text of ['Grüße, שלום, 😀 \\n', 'می\u200cخواهم', '👩\u200d🚀', '☺\ufe0f', 'e\u0301']) {
      expect(escapeControls(text)).toBe(text);
      expect(harmlessJson(text)).toBe(JSON.stringify(text));
    }
  });
});
