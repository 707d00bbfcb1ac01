/**
 * Flows: what happens in a protocol as a text that people read and a test compares. A flow is a file of blocks: remarks (`#`), commands, a
 * line `----`, and what came of the commands, up to an empty line. `UPDATE_FLOWS=1` has the test write what comes of them. The form is that of
 * etcd/raft's testdata.
 */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const divider = '----';

/** Carries out one command, and says what came of it, a line each. What it throws fails the test, and is never written into a flow. */
export type FlowRunner = (command: string) => readonly string[];

/** The text of a flow as it is when its commands are run again. */
export function replay(name: string, text: string, run: FlowRunner): string {
  const rows = text.replace(/\n+$/, '').split('\n');
  const written: string[] = [];
  let at = 0;
  const isText = (row: string): boolean => row === '' || row.startsWith('#');
  while (at < rows.length) {
    if (isText(rows[at]!)) {
      written.push(rows[at++]!);
      continue;
    }
    const outcome: string[] = [];
    for (; at < rows.length && rows[at] !== divider && !isText(rows[at]!); at++) {
      const command = rows[at]!;
      written.push(command);
      try {
        outcome.push(...run(command));
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        throw new Error(`${name}:${at + 1}: ${command}: ${what}`, { cause: error });
      }
    }
    written.push(divider, ...(outcome.length === 0 ? ['nothing happens'] : outcome));
    // What came of it the last time.
    while (at < rows.length && rows[at] !== '') at++;
  }
  return `${written.join('\n')}\n`;
}

/** A test of each flow in `directory`. Each begins in a world of its own. */
export function testFlows(directory: string, world: () => FlowRunner): void {
  const names = readdirSync(directory).filter((name) => name.endsWith('.txt'));
  if (names.length === 0) throw new Error(`${directory} has no flow`);
  for (const name of names) {
    it(`${name.slice(0, -4).replaceAll('-', ' ')} goes as it is written`, () => {
      const file = join(directory, name);
      const text = readFileSync(file, 'utf8');
      const again = replay(name, text, world());
      if (process.env['UPDATE_FLOWS'] === '1') writeFileSync(file, again);
      else expect(again).toBe(text);
    });
  }
}
