/**
 * How many columns characters take on a terminal, and where a cursor may stand between them, according to Unicode.
 * Terminals differ for emoji, so the width function is an option of the line editor. This is the common one.
 */

import { eastAsianWidth } from 'get-east-asian-width';

/** Marks that combine with the character before them, and characters that programs must ignore. */
const zeroWidth = /^[\p{Mn}\p{Me}\p{DI}]$/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The columns of one code point: 0, 1 or 2. */
export type CodePointWidth = (codePoint: number) => number;

export const terminalWidth: CodePointWidth = (codePoint) => {
  // No lower code point combines or is wide, and most typed characters are lower.
  if (codePoint < 0x0300) return 1;
  return zeroWidth.test(String.fromCodePoint(codePoint)) ? 0 : eastAsianWidth(codePoint);
};

/** The columns of `text`. */
export function widthOf(text: string, width: CodePointWidth = terminalWidth): number {
  let columns = 0;
  for (const character of text) columns += width(character.codePointAt(0)!);
  return columns;
}

/** Where the character at `at` ends, including everything that belongs to it. */
export function nextBoundary(text: string, at: number): number {
  const found = graphemes.segment(text).containing(at);
  return found === undefined ? text.length : found.index + found.segment.length;
}

/** Where the character before `at` begins. */
export function previousBoundary(text: string, at: number): number {
  return at <= 0 ? 0 : (graphemes.segment(text).containing(at - 1)?.index ?? 0);
}
