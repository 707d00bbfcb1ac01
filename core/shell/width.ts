/**
 * Columns that characters take on a terminal, and where a cursor may stand between them. Terminals differ on emoji, so the
 * line editor takes the width function as an option; this is the common one.
 */

const zeroWidth: readonly (readonly [number, number])[] = [
  [0x0300, 0x036f],
  [0x0483, 0x0489],
  [0x0591, 0x05bd],
  [0x0610, 0x061a],
  [0x064b, 0x065f],
  [0x0e34, 0x0e3a],
  [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff],
  [0x200b, 0x200f],
  [0x2060, 0x2064],
  [0x20d0, 0x20ff],
  [0xfe00, 0xfe0f],
  [0xfe20, 0xfe2f],
  [0xfeff, 0xfeff],
  [0xe0100, 0xe01ef],
];

const doubleWidth: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x2fffd],
  [0x30000, 0x3fffd],
];

function within(ranges: readonly (readonly [number, number])[], codePoint: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle]!;
    if (codePoint < first) high = middle - 1;
    else if (codePoint > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** Columns of one code point: 0, 1 or 2. */
export type CodePointWidth = (codePoint: number) => number;

export const terminalWidth: CodePointWidth = (codePoint) => {
  if (codePoint < 0x0300) return 1;
  if (within(zeroWidth, codePoint)) return 0;
  return within(doubleWidth, codePoint) ? 2 : 1;
};

/** Columns of `text`. */
export function widthOf(text: string, width: CodePointWidth = terminalWidth): number {
  let columns = 0;
  for (const character of text) columns += width(character.codePointAt(0)!);
  return columns;
}

const joiner = 0x200d;

/** Where the character at `at` ends, the marks that combine with it included. */
export function nextBoundary(text: string, at: number): number {
  let end = at;
  let joined = true;
  while (end < text.length) {
    const codePoint = text.codePointAt(end)!;
    if (!joined && terminalWidth(codePoint) !== 0) break;
    joined = codePoint === joiner;
    end += codePoint > 0xffff ? 2 : 1;
  }
  return end;
}

/** Where the character before `at` begins. */
export function previousBoundary(text: string, at: number): number {
  let start = at;
  while (start > 0) {
    const unit = text.charCodeAt(--start);
    if (unit >= 0xdc00 && unit <= 0xdfff && start > 0) start--;
    if (terminalWidth(text.codePointAt(start)!) === 0) continue;
    if (start > 0 && text.charCodeAt(start - 1) === joiner) continue;
    return start;
  }
  return 0;
}
