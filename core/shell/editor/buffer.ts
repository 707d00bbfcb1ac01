/** The line that is being typed: its text and cursor, the killed texts, and the states to which undo returns. */

import { nextBoundary, previousBoundary } from '../width.ts';

const maxKilled = 32;
const maxUndo = 200;

interface Moment {
  readonly text: string;
  readonly cursor: number;
}

export class LineBuffer {
  #text = '';
  #cursor = 0;
  readonly #killed: string[] = [];
  readonly #past: Moment[] = [];
  /** Where the last yanked text begins. Null when another action came after it. */
  #yanked: { readonly from: number; readonly index: number } | null = null;
  /** True after a kill. The next kill is then added to it. */
  #killing = false;

  get text(): string {
    return this.#text;
  }

  /** In UTF-16 units. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Replaces the line. The default position of the cursor is its end. */
  set(text: string, cursor: number = text.length): void {
    this.#change(text, cursor);
  }

  /** An empty line, with nothing to undo. */
  clear(): void {
    this.#text = '';
    this.#cursor = 0;
    this.#past.length = 0;
    this.#settle();
  }

  insert(text: string): void {
    this.#change(this.#text.slice(0, this.#cursor) + text + this.#text.slice(this.#cursor), this.#cursor + text.length);
  }

  replace(from: number, to: number, text: string): void {
    this.#change(this.#text.slice(0, from) + text + this.#text.slice(to), from + text.length);
  }

  moveTo(cursor: number): void {
    this.#cursor = cursor;
    this.#settle();
  }

  left(): number {
    return previousBoundary(this.#text, this.#cursor);
  }

  right(): number {
    return nextBoundary(this.#text, this.#cursor);
  }

  /** The beginning of the word before the cursor. */
  wordLeft(): number {
    let at = this.#cursor;
    while (at > 0 && !isWordUnit(this.#text[at - 1]!)) at--;
    while (at > 0 && isWordUnit(this.#text[at - 1]!)) at--;
    return at;
  }

  /** The end of the word after the cursor. */
  wordRight(): number {
    let at = this.#cursor;
    while (at < this.#text.length && !isWordUnit(this.#text[at]!)) at++;
    while (at < this.#text.length && isWordUnit(this.#text[at]!)) at++;
    return at;
  }

  /** The beginning of the text between blanks before the cursor. */
  blankLeft(): number {
    let at = this.#cursor;
    while (at > 0 && this.#text[at - 1] === ' ') at--;
    while (at > 0 && this.#text[at - 1] !== ' ') at--;
    return at;
  }

  /** Removes the text between the cursor and `to`, on either side. */
  erase(to: number): void {
    const from = Math.min(to, this.#cursor);
    this.#change(this.#text.slice(0, from) + this.#text.slice(Math.max(to, this.#cursor)), from);
  }

  /** Removes the text between the cursor and `to`, and keeps it for a yank. */
  kill(to: number): void {
    if (to === this.#cursor) return;
    const back = to < this.#cursor;
    const killed = back ? this.#text.slice(to, this.#cursor) : this.#text.slice(this.#cursor, to);
    const follows = this.#killing;
    this.erase(to);
    const last = this.#killed.at(-1);
    if (follows && last !== undefined) this.#killed[this.#killed.length - 1] = back ? killed + last : last + killed;
    else this.#killed.push(killed);
    if (this.#killed.length > maxKilled) this.#killed.shift();
    this.#killing = true;
  }

  /** Inserts the text that was killed last. */
  yank(): void {
    this.#yankAt(this.#killed.length - 1, this.#cursor);
  }

  /** Directly after a yank, replaces the yanked text with the one that was killed before it. */
  yankPop(): void {
    const yanked = this.#yanked;
    if (yanked === null || this.#killed.length === 0) return;
    this.erase(yanked.from);
    this.#yankAt((yanked.index + this.#killed.length - 1) % this.#killed.length, yanked.from);
  }

  #yankAt(index: number, from: number): void {
    const text = this.#killed[index];
    if (text === undefined) return;
    this.insert(text);
    this.#yanked = { from, index };
  }

  /** Exchanges the characters before and after the cursor. */
  transpose(): void {
    const at = this.#cursor === this.#text.length ? this.left() : this.#cursor;
    const before = previousBoundary(this.#text, at);
    const end = nextBoundary(this.#text, at);
    if (before === at || end === at) return;
    const exchanged = this.#text.slice(at, end) + this.#text.slice(before, at);
    this.#change(this.#text.slice(0, before) + exchanged + this.#text.slice(end), end);
  }

  undo(): void {
    const moment = this.#past.pop();
    if (moment === undefined) return;
    this.#text = moment.text;
    this.#cursor = moment.cursor;
    this.#settle();
  }

  #change(text: string, cursor: number): void {
    this.#past.push({ text: this.#text, cursor: this.#cursor });
    if (this.#past.length > maxUndo) this.#past.shift();
    this.#text = text;
    this.#cursor = cursor;
    this.#settle();
  }

  #settle(): void {
    this.#yanked = null;
    this.#killing = false;
  }
}

const wordUnit = /[\p{L}\p{N}\p{M}_\ud800-\udfff]/u;

function isWordUnit(unit: string): boolean {
  return wordUnit.test(unit);
}
