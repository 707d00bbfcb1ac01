/**
 * The line editor. Keys come in, and bytes for the screen go out. It is a pure state machine, so that it serves both a
 * terminal in Node and xterm.js in a page. While a command runs it holds back typed keys, except Ctrl-C.
 */

import type { Completion } from '../complete.ts';
import { escapeControls } from '../display.ts';
import type { LineHistory } from '../history.ts';
import { terminalWidth, widthOf } from '../width.ts';
import type { CodePointWidth } from '../width.ts';
import { LineBuffer } from './buffer.ts';
import { KeyDecoder } from './keys.ts';
import type { Key, KeyName } from './keys.ts';
import { Screen } from './screen.ts';

export interface EditorOptions {
  readonly prompt: string;
  readonly columns: number;
  /** The arrow keys walk it and Ctrl-R searches it. The code that runs the lines adds to it. */
  readonly history: LineHistory;
  /** The columns that a character takes on this terminal. */
  readonly width?: CodePointWidth;
  /**
   * True for a terminal that wraps the line again by itself when its width changes. xterm.js leaves the line of the
   * cursor alone, so it is off there.
   */
  readonly reflows?: boolean;
}

export type EditorEffect =
  | { readonly kind: 'write'; readonly text: string }
  /** A line was entered. Run it, then call `resume`. */
  | { readonly kind: 'line'; readonly line: string }
  /** Find completions, and give them to `completed` with this ticket. Until then keys wait. */
  | { readonly kind: 'complete'; readonly ticket: number; readonly line: string; readonly cursor: number }
  /** Ctrl-C while a line runs. */
  | { readonly kind: 'interrupt' }
  /** Ctrl-D on an empty line. */
  | { readonly kind: 'end' };

/** Asks the terminal to mark pasted text, so that a pasted tab does not complete anything. */
export const enablePasteMarks = '\u001b[?2004h';
export const disablePasteMarks = '\u001b[?2004l';

/** How many keys may be typed ahead while a line runs. More are dropped, with a bell. */
const maxTypedAhead = 1_000_000;
const maxLine = 4_000_000;
const maxListed = 200;
const bell = '\u0007';

interface Search {
  query: string;
  /** The position of the match in the history. Before the first search it is the length of the history. */
  index: number;
  failing: boolean;
  readonly before: { readonly text: string; readonly cursor: number };
}

export class LineEditor {
  readonly #prompt: string;
  readonly #history: LineHistory;
  readonly #decoder = new KeyDecoder();
  readonly #buffer = new LineBuffer();
  readonly #screen: Screen;
  readonly #width: CodePointWidth;
  readonly #reflows: boolean;
  #effects: EditorEffect[] = [];
  /** True while a line runs, and before anything was started. */
  #busy = true;
  #typedAhead: Key[] = [];
  #typedAheadLength = 0;
  /** The position in the history of the present line. For a new line it is the length of the history. */
  #walk = 0;
  /** The text before walking, and lines of the history that were edited, by their index. */
  readonly #drafts = new Map<number, string>();
  #search: Search | null = null;
  #ticket = 0;
  /** The ticket of the completions that were asked for. Keys wait until they come. */
  #awaited: number | null = null;

  constructor(options: EditorOptions) {
    this.#prompt = options.prompt;
    this.#history = options.history;
    this.#width = options.width ?? terminalWidth;
    this.#reflows = options.reflows ?? false;
    this.#screen = new Screen(options.columns, this.#width);
  }

  /** The line as it is now. */
  get line(): string {
    return this.#buffer.text;
  }

  /** Shows the prompt for the next line, and continues with keys that were typed ahead. */
  resume(): readonly EditorEffect[] {
    this.#busy = false;
    this.#buffer.clear();
    this.#search = null;
    this.#drafts.clear();
    this.#walk = this.#history.lines.length;
    this.#screen.forget();
    this.#draw();
    this.#work();
    return this.#take();
  }

  /** Takes the data that the terminal sent. */
  feed(data: string): readonly EditorEffect[] {
    for (const key of this.#decoder.decode(data)) {
      if (key.kind === 'key' && key.name === 'interrupt' && (this.#busy || this.#awaited !== null)) {
        this.#typedAhead = [];
        this.#typedAheadLength = 0;
        this.#awaited = null;
        if (this.#busy) {
          this.#effects.push({ kind: 'interrupt' });
          continue;
        }
      }
      const length = key.kind === 'text' ? key.text.length : 1;
      if (this.#typedAheadLength + length > maxTypedAhead) {
        this.#write(bell);
        continue;
      }
      this.#typedAhead.push(key);
      this.#typedAheadLength += length;
    }
    this.#work();
    return this.#take();
  }

  /** The terminal has another width. */
  resize(columns: number): readonly EditorEffect[] {
    this.#screen.resize(columns, this.#reflows);
    if (!this.#busy) this.#draw();
    return this.#take();
  }

  /** Shows `text`, which ends in a line feed, above the line that is being typed. */
  interject(text: string): readonly EditorEffect[] {
    if (this.#busy) this.#write(text);
    else {
      this.#write(this.#screen.erase() + text);
      this.#draw();
    }
    return this.#take();
  }

  /** Inserts completions if they are still awaited, and continues with keys that came in the meantime. */
  completed(ticket: number, completion: Completion): readonly EditorEffect[] {
    if (this.#awaited !== ticket) return [];
    this.#awaited = null;
    this.#apply(completion);
    this.#work();
    return this.#take();
  }

  #work(): void {
    let next = 0;
    while (!this.#busy && this.#awaited === null && next < this.#typedAhead.length) {
      const key = this.#typedAhead[next++]!;
      this.#typedAheadLength -= key.kind === 'text' ? key.text.length : 1;
      if (this.#search !== null && this.#searchKey(this.#search, key)) continue;
      if (key.kind === 'text') this.#type(key.text);
      else this.#press(key.name);
    }
    this.#typedAhead = this.#typedAhead.slice(next);
  }

  #type(text: string): void {
    if (this.#buffer.text.length + text.length > maxLine) this.#write(bell);
    else this.#buffer.insert(text);
    this.#draw();
  }

  #press(name: KeyName): void {
    const buffer = this.#buffer;
    switch (name) {
      case 'enter': {
        this.#enter();
        return;
      }
      case 'interrupt':
        this.#write(this.#screen.leave().replace('\r', '^C\r'));
        this.#buffer.clear();
        this.#drafts.clear();
        this.#walk = this.#history.lines.length;
        break;
      case 'endOfInput':
        if (buffer.text === '') {
          this.#write(this.#screen.leave());
          this.#busy = true;
          this.#effects.push({ kind: 'end' });
          return;
        }
        buffer.erase(buffer.right());
        break;
      case 'tab':
        this.#awaited = ++this.#ticket;
        this.#effects.push({ kind: 'complete', ticket: this.#awaited, line: buffer.text, cursor: buffer.cursor });
        return;
      case 'backspace':
        buffer.erase(buffer.left());
        break;
      case 'delete':
        buffer.erase(buffer.right());
        break;
      case 'left':
        buffer.moveTo(buffer.left());
        break;
      case 'right':
        buffer.moveTo(buffer.right());
        break;
      case 'home':
        buffer.moveTo(0);
        break;
      case 'end':
        buffer.moveTo(buffer.text.length);
        break;
      case 'wordLeft':
        buffer.moveTo(buffer.wordLeft());
        break;
      case 'wordRight':
        buffer.moveTo(buffer.wordRight());
        break;
      case 'killToEnd':
        buffer.kill(buffer.text.length);
        break;
      case 'killToStart':
        buffer.kill(0);
        break;
      case 'killWordBack':
        buffer.kill(buffer.blankLeft());
        break;
      case 'killWordForward':
        buffer.kill(buffer.wordRight());
        break;
      case 'yank':
        buffer.yank();
        break;
      case 'yankPop':
        buffer.yankPop();
        break;
      case 'transpose':
        buffer.transpose();
        break;
      case 'undo':
        buffer.undo();
        break;
      case 'up':
        this.#recall(-1);
        break;
      case 'down':
        this.#recall(1);
        break;
      case 'search':
        this.#search = {
          query: '',
          index: this.#history.lines.length,
          failing: false,
          before: { text: buffer.text, cursor: buffer.cursor },
        };
        break;
      case 'clear':
        this.#write('\u001b[H\u001b[2J');
        this.#screen.forget();
        break;
      case 'abort':
      case 'escape':
        return;
    }
    this.#draw();
  }

  #enter(): void {
    this.#buffer.moveTo(this.#buffer.text.length);
    this.#draw();
    this.#write(this.#screen.leave());
    this.#busy = true;
    this.#effects.push({ kind: 'line', line: this.#buffer.text });
  }

  /** Walks the history. Lines that were edited on the way keep their edits until a line is entered. */
  #recall(direction: -1 | 1): void {
    const { lines } = this.#history;
    const target = this.#walk + direction;
    if (target < 0 || target > lines.length) {
      this.#write(bell);
      return;
    }
    this.#drafts.set(this.#walk, this.#buffer.text);
    this.#walk = target;
    this.#buffer.set(this.#drafts.get(target) ?? lines[target] ?? '');
  }

  /** Handles a key while searching. Returns false when the key ends the search and must then be handled normally. */
  #searchKey(search: Search, key: Key): boolean {
    if (key.kind === 'text') {
      search.query += key.text;
      this.#find(search, search.index);
    } else if (key.name === 'search') this.#find(search, search.index - 1);
    else if (key.name === 'backspace') {
      search.query = search.query.slice(0, -1);
      this.#find(search, this.#history.lines.length);
    } else {
      this.#search = null;
      if (key.name === 'abort' || key.name === 'interrupt') {
        this.#buffer.set(search.before.text, search.before.cursor);
        this.#draw();
        return true;
      }
      this.#draw();
      return key.name === 'escape';
    }
    this.#draw();
    return true;
  }

  /** Finds the newest line at or before `from` that contains the query. */
  #find(search: Search, from: number): void {
    const { lines } = this.#history;
    for (let index = Math.min(from, lines.length - 1); index >= 0; index--) {
      const line = lines[index]!;
      const at = line.indexOf(search.query);
      if (at < 0) continue;
      search.index = index;
      search.failing = false;
      this.#walk = index;
      this.#buffer.set(line, at);
      return;
    }
    search.failing = true;
    this.#write(bell);
  }

  /**
   * Inserts the only candidate. Of several candidates, it inserts their common prefix. If that adds nothing, it shows
   * their list.
   */
  #apply({ from, to, candidates }: Completion): void {
    const typed = this.#buffer.text.slice(from, to);
    const [first, ...others] = candidates;
    if (first === undefined) {
      this.#write(bell);
      return;
    }
    if (others.length === 0) {
      const space = first.final && this.#buffer.text[to] !== ' ' ? ' ' : '';
      this.#buffer.replace(from, to, first.insert + space);
      this.#draw();
      return;
    }
    const common = candidates.reduce((prefix, one) => commonPrefix(prefix, one.insert), first.insert);
    if (common.length > typed.length || (common !== typed && common.startsWith('"') && !typed.startsWith('"'))) {
      this.#buffer.replace(from, to, common);
      this.#draw();
      return;
    }
    this.#write(this.#screen.leave() + this.#list(candidates.map((one) => escapeControls(one.shown))));
    this.#draw();
  }

  /** Lists names in columns that fit the terminal. */
  #list(names: readonly string[]): string {
    const shown = names.slice(0, maxListed);
    const widths = shown.map((name) => widthOf(name, this.#width));
    const cell = Math.max(...widths) + 2;
    const perRow = Math.max(1, Math.floor(this.#screen.columns / cell));
    const rows = Math.ceil(shown.length / perRow);
    let text = '';
    for (let row = 0; row < rows; row++) {
      for (let index = row; index < shown.length; index += rows) {
        const last = index + rows >= shown.length;
        text += shown[index]! + (last ? '' : ' '.repeat(cell - widths[index]!));
      }
      text += '\r\n';
    }
    return names.length > shown.length ? `${text}... and ${names.length - shown.length} more\r\n` : text;
  }

  #draw(): void {
    const search = this.#search;
    const prompt =
      search === null ? this.#prompt : `(${search.failing ? 'failed ' : ''}reverse-i-search)\`${search.query}': `;
    this.#write(this.#screen.draw(prompt, this.#buffer.text, this.#buffer.cursor));
  }

  #write(text: string): void {
    if (text !== '') this.#effects.push({ kind: 'write', text });
  }

  #take(): readonly EditorEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}
