/**
 * Draws a prompt and a line that may wrap, and remembers where it left the cursor. It returns bytes for the terminal.
 */

import type { CodePointWidth } from '../width.ts';

interface Position {
  readonly row: number;
  readonly column: number;
}

export class Screen {
  #columns: number;
  readonly #width: CodePointWidth;
  /** Rows between the first row of the prompt and the cursor. */
  #cursorRow = 0;
  /** The present drawing. It allows cheap appending, and shows where the cursor is when the width changes. */
  #drawn: { readonly text: string; readonly cursor: number; readonly end: Position; readonly stale: boolean } | null =
    null;

  constructor(columns: number, width: CodePointWidth) {
    this.#columns = Math.max(1, columns);
    this.#width = width;
  }

  get columns(): number {
    return this.#columns;
  }

  /** Replaces the present drawing with `prompt` and `line`. The cursor is at `cursor` of the line. */
  draw(prompt: string, line: string, cursor: number): string {
    const text = prompt + line;
    const at = prompt.length + cursor;
    const appended = this.#append(text, at);
    if (appended !== null) return appended;
    const end = this.#walk(text, text.length);
    const target = this.#walk(text, at);
    // After an exactly full row, the cursor of a terminal hangs on the last column. A new line makes its position
    // definite.
    const feed = end.column === 0 && end.row > 0 ? '\r\n' : '';
    const out = `${this.#toStart()}${text}${feed}${moveUp(end.row - target.row)}\r${moveRight(target.column)}`;
    this.#cursorRow = target.row;
    this.#drawn = { text, cursor: at, end, stale: false };
    return out;
  }

  /** The common case of typing at the end: it draws only the new text, if that stays in its row. */
  #append(text: string, at: number): string | null {
    const drawn = this.#drawn;
    if (drawn === null || drawn.stale || at !== text.length || drawn.cursor !== drawn.text.length) return null;
    if (!text.startsWith(drawn.text)) return null;
    const added = text.slice(drawn.text.length);
    let { column } = drawn.end;
    for (const character of added) {
      const width = this.#width(character.codePointAt(0)!);
      if (width === 0) return null;
      column += width;
    }
    if (column >= this.#columns) return null;
    this.#drawn = { text, cursor: at, end: { row: drawn.end.row, column }, stale: false };
    return added;
  }

  /** Moves below the line, for output that follows. The next drawing begins there. */
  leave(): string {
    const drawn = this.#drawn;
    const down = drawn === null ? 0 : drawn.end.row - this.#cursorRow;
    const atLineStart = drawn !== null && drawn.end.column === 0 && drawn.end.row > 0;
    this.forget();
    return `${down > 0 ? `\u001b[${down}B` : ''}\r${atLineStart ? '' : '\n'}`;
  }

  /** Removes the drawing. Output that follows replaces it. */
  erase(): string {
    const out = this.#toStart();
    this.forget();
    return out;
  }

  /** Forgets the drawing, because it is no longer on the screen. */
  forget(): void {
    this.#drawn = null;
    this.#cursorRow = 0;
  }

  /**
   * The terminal has another width now.
   * @param reflowed the terminal has wrapped the drawing again. If not, its rows are where they were.
   */
  resize(columns: number, reflowed: boolean): void {
    this.#columns = Math.max(1, columns);
    const drawn = this.#drawn;
    if (drawn === null) return;
    if (reflowed) this.#cursorRow = this.#walk(drawn.text, drawn.cursor).row;
    this.#drawn = {
      text: drawn.text,
      cursor: drawn.cursor,
      end: this.#walk(drawn.text, drawn.text.length),
      stale: true,
    };
  }

  #toStart(): string {
    return `${moveUp(this.#cursorRow)}\r\u001b[J`;
  }

  /** The position at which the character at `offset` of `text` is drawn. */
  #walk(text: string, offset: number): Position {
    let row = 0;
    let column = 0;
    let at = 0;
    for (const character of text) {
      const width = this.#width(character.codePointAt(0)!);
      if (column + width > this.#columns) {
        row++;
        column = 0;
      }
      if (at >= offset) return { row, column };
      column += width;
      at += character.length;
    }
    return column >= this.#columns ? { row: row + 1, column: 0 } : { row, column };
  }
}

function moveUp(rows: number): string {
  return rows > 0 ? `\u001b[${rows}A` : '';
}

function moveRight(columns: number): string {
  return columns > 0 ? `\u001b[${columns}C` : '';
}
