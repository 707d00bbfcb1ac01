/**
 * Columns that characters take on a terminal, and where a cursor may stand between them: as Unicode has both. Terminals differ on emoji, so the
 * line editor takes the width function as an option; this is the common one.
 */

import { eastAsianWidth } from 'get-east-asian-width';

/** Marks that combine with what is before them, and what programs are to ignore. */
const zeroWidth = /^[\p{Mn}\p{Me}\p{DI}]$/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns of one code point: 0, 1 or 2. */
export type CodePointWidth = (codePoint: number) => number;

export const terminalWidth: CodePointWidth = (codePoint) => {
  // Nothing below combines or is wide, and it is most of what is typed.
  if (codePoint < 0x0300) return 1;
  return zeroWidth.test(String.fromCodePoint(codePoint)) ? 0 : eastAsianWidth(codePoint);
};

/** Columns of `text`. */
export function widthOf(text: string, width: CodePointWidth = terminalWidth): number {
  let columns = 0;
  for (const character of text) columns += width(character.codePointAt(0)!);
  return columns;
}

/** Where the character at `at` ends, all that belongs to it included. */
export function nextBoundary(text: string, at: number): number {
  const found = graphemes.segment(text).containing(at);
  return found === undefined ? text.length : found.index + found.segment.length;
}

/** Where the character before `at` begins. */
export function previousBoundary(text: string, at: number): number {
  return at <= 0 ? 0 : (graphemes.segment(text).containing(at - 1)?.index ?? 0);
}
