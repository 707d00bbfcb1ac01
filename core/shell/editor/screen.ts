/** Draws a prompt and a line that may wrap, knowing where it left the cursor: state in, terminal bytes out. */

import type { CodePointWidth } from '../width.ts';

interface Position {
  readonly row: number;
  readonly column: number;
}

export class Screen {
  #columns: number;
  readonly #width: CodePointWidth;
  /** Rows between the first one of the prompt and the cursor. */
  #cursorRow = 0;
  /** What is drawn now, to append to it cheaply and to find the cursor again when the width changes. */
  #drawn: { readonly text: string; readonly cursor: number; readonly end: Position; readonly stale: boolean } | null =
    null;

  constructor(columns: number, width: CodePointWidth) {
    this.#columns = Math.max(1, columns);
    this.#width = width;
  }

  get columns(): number {
    return this.#columns;
  }

  /** Draws `prompt` and `line` in place of what is drawn, the cursor at `cursor` of the line. */
  draw(prompt: string, line: string, cursor: number): string {
    const text = prompt + line;
    const at = prompt.length + cursor;
    const appended = this.#append(text, at);
    if (appended !== null) return appended;
    const end = this.#walk(text, text.length);
    const target = this.#walk(text, at);
    // A row that is exactly full leaves the terminal's cursor hanging on its last column; a new line makes it definite.
    const feed = end.column === 0 && end.row > 0 ? '\r\n' : '';
    const out = `${this.#toStart()}${text}${feed}${moveUp(end.row - target.row)}\r${moveRight(target.column)}`;
    this.#cursorRow = target.row;
    this.#drawn = { text, cursor: at, end, stale: false };
    return out;
  }

  /** The common case of typing at the end: the new text alone, as long as it stays on its row. */
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

  /** Moves below the line, for output that follows. What is drawn next begins anew there. */
  leave(): string {
    const drawn = this.#drawn;
    const down = drawn === null ? 0 : drawn.end.row - this.#cursorRow;
    const atLineStart = drawn !== null && drawn.end.column === 0 && drawn.end.row > 0;
    this.forget();
    return `${down > 0 ? `\u001b[${down}B` : ''}\r${atLineStart ? '' : '\n'}`;
  }

  /** Removes what is drawn; output that follows takes its place. */
  erase(): string {
    const out = this.#toStart();
    this.forget();
    return out;
  }

  /** What is drawn is not there any more. */
  forget(): void {
    this.#drawn = null;
    this.#cursorRow = 0;
  }

  /**
   * The terminal has another width now.
   * @param reflowed it has wrapped what is drawn anew; else its rows are where they were.
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

  /** Where the character at `offset` of `text` is drawn. */
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
