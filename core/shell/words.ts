/**
 * Splits a line into words, and words into commands (docs/language.md). This file does not know what a command means,
 * except that the braces of `txn { }` keep the semicolons between them.
 */

import { controlCharacters, escapeControls } from './display.ts';

/** A word as it was typed, with its position, for completion and for messages. */
export interface Word {
  /** Its text without quotes. */
  readonly text: string;
  /** True when it began with a quote. Then it is never a flag, a separator, a brace, or one of `b64:`, `hex:`, `@`. */
  readonly quoted: boolean;
  /** True when the quote was never closed. */
  readonly open: boolean;
  /** How many characters at the end of `text` were outside the quotes. */
  readonly bareLength: number;
  readonly start: number;
  readonly end: number;
}

function isSpace(character: string): boolean {
  return character === ' ' || (character >= '\t' && character <= '\r');
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ['"', '"'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/**
 * The escape after a backslash: the text that it means, and its length. Null when it is not an escape, so that the
 * backslash is an ordinary character.
 */
function readEscape(line: string, at: number): { readonly text: string; readonly length: number } | null {
  const plain = escapes.get(line[at] ?? '');
  if (plain !== undefined) return { text: plain, length: 1 };
  const [whole, digits] = /^u\{([0-9a-fA-F]{1,6})\}/.exec(line.slice(at, at + 9)) ?? [];
  const codePoint = digits === undefined ? Number.NaN : parseInt(digits, 16);
  if (whole === undefined || !(codePoint <= 0x10ffff)) return null;
  return { text: String.fromCodePoint(codePoint), length: whole.length };
}

/**
 * The words of a line. A quote groups only at the beginning of a word, so `{"x":1}` is one word with exactly this text.
 * Within double quotes `\\`, `\"`, `\n`, `\r`, `\t` and `\u{HEX}` are escapes. Within single quotes nothing is.
 */
export function splitWords(line: string): readonly Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    if (isSpace(line[at]!)) {
      at++;
      continue;
    }
    const start = at;
    const quote = line[at]!;
    const quoted = quote === '"' || quote === "'";
    let text = '';
    let open = false;
    if (quoted) {
      open = true;
      at++;
      while (at < line.length && open) {
        const character = line[at++]!;
        const escaped = quote === '"' && character === '\\' ? readEscape(line, at) : null;
        if (character === quote) open = false;
        else if (escaped !== null) {
          text += escaped.text;
          at += escaped.length;
        } else text += character;
      }
    }
    const bareFrom = at;
    while (at < line.length && !isSpace(line[at]!)) text += line[at++]!;
    words.push({ text, quoted, open, bareLength: at - bareFrom, start, end: at });
  }
  return words;
}

/** True for an unquoted word with this text: a separator, a brace, the name of a command. */
export function isBare(word: Word | undefined, text: string): boolean {
  return word !== undefined && !word.quoted && word.text === text;
}

/** True when `words` begin a transaction, whose braces keep their semicolons. */
function beginsTransaction(words: readonly Word[]): boolean {
  const first = isBare(words[0], 'explain') ? 1 : 0;
  return isBare(words[first], 'txn') && words.length === first + 1;
}

/** Cuts a semicolon outside quotes off the end of a word: the word without it, and the separator. */
function cutSemicolon(word: Word): readonly Word[] {
  if (word.bareLength === 0 || !word.text.endsWith(';') || isBare(word, ';')) return [word];
  const cut = word.end - 1;
  return [
    { ...word, text: word.text.slice(0, -1), bareLength: word.bareLength - 1, end: cut },
    { text: ';', quoted: false, open: false, bareLength: 1, start: cut, end: word.end },
  ];
}

/**
 * The commands of a line, each as its words. A line that begins with `#` has none. `;` separates commands when it is a
 * word of its own. Inside the braces of a transaction it may also be at the end of a word, and it stays in the
 * transaction.
 */
export function splitCommands(line: string): readonly (readonly Word[])[] {
  if (line.trimStart().startsWith('#')) return [];
  const commands: Word[][] = [];
  let current: Word[] = [];
  let inBraces = false;
  for (const word of splitWords(line)) {
    if (inBraces) {
      current.push(...cutSemicolon(word));
      if (isBare(word, '}')) inBraces = false;
    } else if (isBare(word, ';')) {
      if (current.length > 0) commands.push(current);
      current = [];
    } else {
      if (isBare(word, '{') && beginsTransaction(current)) inBraces = true;
      current.push(word);
    }
  }
  if (current.length > 0) commands.push(current);
  return commands;
}

/** `text` as it can be typed to mean itself. It is quoted if it would be split, or read as something else. */
export function quoteWord(text: string): string {
  const plain = text !== '' && !/^["'@#;{}-]|^b64:|^hex:|[\s]|;$/u.test(text);
  return plain && escapeControls(text) === text ? text : `"${escapeQuoted(text)}"`;
}

/** `text` as it is written between double quotes. A character that a terminal would obey is written as an escape. */
export function escapeQuoted(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(controlCharacters, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
