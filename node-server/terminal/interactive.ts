/** The prompt: a terminal in raw mode under the shell's line editor. */

import { disablePasteMarks, enablePasteMarks, LineEditor } from '../../core/shell/index.ts';
import type { EditorEffect, LineHistory, Shell } from '../../core/shell/index.ts';
import type { ProcessOutput } from './output.ts';

const defaultColumns = 80;

/** The part of a terminal that the prompt needs. A process's standard input and output have it. */
export interface Terminal {
  /** True when the terminal wraps lines anew as its width changes. */
  readonly reflows: boolean;
  columns(): number;
  write(text: string): void;
  onData(handler: (data: string) => void): void;
  onResize(handler: () => void): void;
  /** The terminal is gone. */
  onEnd(handler: () => void): void;
}

/**
 * Shows the prompt and runs what is typed until `exit`, Ctrl-D, the end of the terminal, or `ending`. A command that runs
 * is interrupted then, and waited for: the program that it runs may take its time to end.
 */
export async function runInteractive(
  shell: Shell,
  history: LineHistory,
  prompt: string,
  terminal: Terminal,
  output: ProcessOutput,
  ending: AbortSignal,
): Promise<void> {
  const editor = new LineEditor({ prompt, columns: terminal.columns(), history, reflows: terminal.reflows });
  let running: AbortController | null = null;
  let over = false;
  await new Promise<void>((resolve, reject) => {
    const runLine = async (line: string): Promise<void> => {
      running = new AbortController();
      const result = await shell.run(line, output.write, running.signal);
      running = null;
      await output.drained();
      if (result.exit || over) resolve();
      else perform(editor.resume());
    };
    const perform = (effects: readonly EditorEffect[]): void => {
      for (const effect of effects) {
        switch (effect.kind) {
          case 'write':
            terminal.write(effect.text);
            break;
          case 'line':
            runLine(effect.line).catch(reject);
            break;
          case 'complete':
            shell
              .complete(effect.line, effect.cursor)
              .then((completion) => perform(editor.completed(effect.ticket, completion)))
              .catch(reject);
            break;
          case 'interrupt':
            running?.abort();
            break;
          case 'end':
            resolve();
            break;
        }
      }
    };
    const end = (): void => {
      over = true;
      if (running === null) resolve();
      else running.abort();
    };
    if (ending.aborted) return end();
    ending.addEventListener('abort', end, { once: true });
    terminal.onData((data) => perform(editor.feed(data)));
    terminal.onResize(() => perform(editor.resize(terminal.columns())));
    terminal.onEnd(end);
    perform(editor.resume());
  });
}

/** The terminal of this process, put into raw mode until `release`. */
export function processTerminal(): Terminal & { cook(): () => void; release(): void } {
  const { stdin, stdout } = process;
  stdin.setEncoding('utf8');
  stdin.setRawMode(true);
  stdout.write(enablePasteMarks);
  return {
    reflows: process.env['TERM_PROGRAM'] !== 'vscode',
    columns: () => (stdout.columns > 0 ? stdout.columns : defaultColumns),
    write: (text) => void stdout.write(text),
    onData: (handler) => void stdin.on('data', handler),
    onResize: (handler) => void stdout.on('resize', handler),
    onEnd: (handler) => {
      stdin.on('end', handler);
      stdin.on('error', handler);
    },
    // A program that the shell runs has the terminal for itself, and keys are what they usually are.
    cook: () => {
      stdin.setRawMode(false);
      stdin.pause();
      return () => {
        stdin.setRawMode(true);
        stdin.resume();
      };
    },
    release: () => {
      stdout.write(disablePasteMarks);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
