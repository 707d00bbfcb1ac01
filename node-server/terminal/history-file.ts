/** Where typed lines are kept from one run to the next: one file for each program, which only its owner can read. */

import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { escapeControls, LineHistory } from '../../core/shell/index.ts';

/** The file grows by one line each time. Above this many lines, it is rewritten with the newest. */
const compactBeyond = 4000;
const keep = 2000;

/** `HARET_HISTORY`, or a file with the program's name where the system keeps such files. */
export function historyPath(program: string, environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment['HARET_HISTORY'];
  if (named !== undefined && named !== '') return named;
  const state = environment['XDG_STATE_HOME'];
  const base = state === undefined || state === '' ? join(homedir(), '.local', 'state') : state;
  return join(base, 'haret', `${program}.history`);
}

/**
 * Reads the lines of the file, and appends new ones to it. If the file cannot be read or written, the prompt does
 * without.
 */
export function openHistory(path: string): LineHistory {
  const history = new LineHistory(keep);
  let lines: readonly string[] = [];
  try {
    lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    // There is no file yet, or we may not read it. The prompt works without it.
  }
  // Others may have written the file, and we draw its text on the terminal.
  for (const line of lines) history.add(escapeControls(line));
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (lines.length > compactBeyond) {
      const next = `${path}.${process.pid}`;
      writeFileSync(next, `${history.lines.join('\n')}\n`, { mode: 0o600 });
      renameSync(next, path);
    }
  } catch {
    return history;
  }
  history.onAdd = (line) => {
    try {
      appendFileSync(path, `${line}\n`, { mode: 0o600 });
    } catch {
      history.onAdd = null;
    }
  };
  return history;
}
