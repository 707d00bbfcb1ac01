/** What is shown cannot drive a terminal: by what Unicode says of its characters, not by a list of ours. */

import { describe, expect, it } from 'vitest';
import { escapeControls, harmlessJson } from '../../core/shell/index.ts';

/** Controls, separators of lines and paragraphs, and all that bears on the direction of text. */
const harmful = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const all = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter((one) => harmful.test(one));

describe('what is shown', () => {
  it('has nothing raw that a terminal obeys, in text and in JSON, and JSON keeps its value', () => {
    expect(all.length).toBeGreaterThan(70);
    for (const character of all) {
      const text = `a${character}b`;
      expect(escapeControls(text)).not.toMatch(harmful);
      expect(harmlessJson({ text })).not.toMatch(harmful);
      expect(JSON.parse(harmlessJson({ text }))).toEqual({ text });
    }
  });

  it('leaves everything else as it is', () => {
    expect(escapeControls('Grüße, שלום, 😀 \\n')).toBe('Grüße, שלום, 😀 \\n');
  });
});
