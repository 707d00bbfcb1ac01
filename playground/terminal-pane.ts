/**
 * The terminal: xterm.js with the shell's own line editor, so that it edits, completes and remembers lines as the
 * programs do.
 */

import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import type { ITheme } from '@xterm/xterm';
import { enablePasteMarks, LineEditor } from '../core/shell/editor/editor.ts';
import type { Completion, EditorEffect, LineHistory } from '../core/shell/index.ts';
import type { Exchange } from './cluster/cluster.ts';

export const prompt = 'haret> ';
const scrollbackLines = 5000;
/** As in the style sheet: a screen that is viewed from a distance. */
const wideWindow = 1700;

/** Runs the lines that are typed. */
export interface LineRunner {
  /** Runs a line. {@link TerminalPane.lineDone} is called when it has ended. */
  run(line: string): void;
  interrupt(): void;
  complete(line: string, cursor: number): Promise<Completion>;
}

export class TerminalPane {
  readonly terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #history: LineHistory;
  #editor: LineEditor;
  #runner: LineRunner | null = null;
  /** True while a line is shown that already runs. */
  #showing = false;

  constructor(element: HTMLElement, history: LineHistory, theme: ITheme) {
    this.#history = history;
    this.terminal = new Terminal({
      convertEol: true,
      cursorBlink: true,
      cursorInactiveStyle: 'outline',
      fontFamily: '"IBM Plex Mono", ui-monospace, monospace',
      fontSize: window.innerWidth >= wideWindow ? 17 : 14,
      lineHeight: 1.25,
      scrollback: scrollbackLines,
      theme,
      minimumContrastRatio: 4.5,
    });
    this.terminal.loadAddon(this.#fit);
    this.terminal.open(element);
    this.terminal.textarea?.setAttribute('aria-label', 'Terminal. Shift Tab leaves it.');
    this.terminal.textarea?.setAttribute('autocapitalize', 'off');
    this.#fit.fit();
    this.#editor = this.#newEditor();
    this.terminal.write(enablePasteMarks);
    this.terminal.attachCustomKeyEventHandler((event) => this.#wanted(event));
    this.terminal.onData((data) => this.#perform(this.#editor.feed(data)));
    this.terminal.onResize(({ cols }) => this.#perform(this.#editor.resize(cols)));
    new ResizeObserver(() => this.#fit.fit()).observe(element);
    this.#offerLinks();
  }

  /** From now on `runner` runs the typed lines. The terminal first shows `transcript`. */
  begin(runner: LineRunner, transcript: readonly Exchange[]): void {
    this.#runner = runner;
    this.terminal.reset();
    this.terminal.write(enablePasteMarks);
    for (const { line, output } of transcript) this.terminal.write(`${prompt}${line}\n${output}`);
    this.#editor = this.#newEditor();
    if (transcript.at(-1)?.done !== false) this.#perform(this.#editor.resume());
  }

  output(text: string): void {
    this.terminal.write(text);
  }

  lineDone(): void {
    this.#perform(this.#editor.resume());
  }

  /** Shows a line that already runs, as if it were typed. */
  show(line: string): void {
    this.#showing = true;
    // Ctrl-A and Ctrl-K remove the present line.
    this.#perform(this.#editor.feed(`\u0001\u000b${line}\r`));
    this.#showing = false;
    this.#history.add(line);
  }

  /** Writes text above the line that is being typed. */
  interject(text: string): void {
    this.#perform(this.#editor.interject(`${text}\n`));
  }

  press(keys: string): void {
    this.#perform(this.#editor.feed(keys));
    this.terminal.focus();
  }

  setTheme(theme: ITheme): void {
    this.terminal.options.theme = theme;
  }

  set screenReader(on: boolean) {
    this.terminal.options.screenReaderMode = on;
  }

  focus(): void {
    this.terminal.focus();
  }

  /** The whole text of the terminal, for tests and for copying. */
  text(): string {
    const { active } = this.terminal.buffer;
    const lines: string[] = [];
    for (let row = 0; row < active.length; row++) {
      const line = active.getLine(row);
      const text = line?.translateToString(true) ?? '';
      if (line?.isWrapped === true) lines.push((lines.pop() ?? '') + text);
      else lines.push(text);
    }
    return lines.join('\n').trimEnd();
  }

  #newEditor(): LineEditor {
    return new LineEditor({ prompt, columns: this.terminal.cols, history: this.#history, reflows: false });
  }

  #perform(effects: readonly EditorEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'write':
          this.terminal.write(effect.text);
          break;
        case 'line':
          if (!this.#showing) this.#runner?.run(effect.line);
          break;
        case 'complete':
          this.#complete(effect.ticket, effect.line, effect.cursor);
          break;
        case 'interrupt':
          this.#runner?.interrupt();
          break;
        case 'end':
          // A page cannot leave its terminal.
          this.#perform(this.#editor.resume());
          break;
      }
    }
  }

  #complete(ticket: number, line: string, cursor: number): void {
    const nothing: Completion = { from: cursor, to: cursor, candidates: [] };
    void (this.#runner?.complete(line, cursor) ?? Promise.resolve(nothing))
      .catch(() => nothing)
      .then((completion) => this.#perform(this.#editor.completed(ticket, completion)));
  }

  /** Returns false for keys of the page or the browser, which the terminal must not handle. */
  #wanted(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    if (event.key === 'Tab' && event.shiftKey) return false;
    const copies = event.key.toLowerCase() === 'c' && (event.ctrlKey || event.metaKey);
    if (copies && this.terminal.hasSelection()) {
      // The browser copies, even where a page may not write to the clipboard itself. The next Ctrl-C is an interrupt
      // again.
      setTimeout(() => this.terminal.clearSelection(), 0);
      return false;
    }
    // The browser pastes. xterm.js gets the paste event.
    return !(event.key.toLowerCase() === 'v' && (event.ctrlKey || event.metaKey));
  }

  /** Makes web addresses in the output clickable. */
  #offerLinks(): void {
    this.terminal.registerLinkProvider({
      provideLinks: (row, found) => {
        const text = this.terminal.buffer.active.getLine(row - 1)?.translateToString(true) ?? '';
        const links = [...text.matchAll(/https?:\/\/[^\s"'<>]+/g)].map((match) => ({
          text: match[0],
          range: { start: { x: match.index + 1, y: row }, end: { x: match.index + match[0].length, y: row } },
          activate: (): void => void window.open(match[0], '_blank', 'noopener,noreferrer'),
        }));
        found(links.length === 0 ? undefined : links);
      },
    });
  }
}
