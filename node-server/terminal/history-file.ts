/** Where the lines that were typed are kept from one run to the next: one file a program, readable by its owner alone. */

import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { escapeControls, LineHistory } from '../../core/shell/index.ts';

/** The file grows by a line each time; past so many it is written anew with the newest. */
const compactBeyond = 4000;
const keep = 2000;

/** `HARET_HISTORY`, or a file of the program's name where the system keeps such things. */
export function historyPath(program: string, environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment['HARET_HISTORY'];
  if (named !== undefined && named !== '') return named;
  const state = environment['XDG_STATE_HOME'];
  const base = state === undefined || state === '' ? join(homedir(), '.local', 'state') : state;
  return join(base, 'haret', `${program}.history`);
}

/** The lines of the file, to which new ones are appended. A file that cannot be read or written is done without. */
export function openHistory(path: string): LineHistory {
  const history = new LineHistory(keep);
  let lines: readonly string[] = [];
  try {
    lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    // There is none yet, or it is not ours to read: typing goes on without it.
  }
  // The file may have been written by others than us, and what it says is drawn on the terminal.
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
