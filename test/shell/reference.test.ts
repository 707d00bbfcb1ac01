/** docs/language.md has the texts of the table. `UPDATE_REFERENCE=1` writes it again. */

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adminTable, apiTable, referenceOf } from '../../core/shell/index.ts';
import { helpFor } from '../../core/shell/help.ts';
import { usageOf } from '../../core/shell/table.ts';

const file = new URL('../../docs/language.md', import.meta.url);

function withReference(text: string, name: string, reference: string): string {
  const begin = `<!-- ${name} commands: from the table -->\n`;
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf('<!-- end -->', from);
  expect(from).toBeGreaterThan(begin.length);
  return `${text.slice(0, from)}\n${reference}\n${text.slice(to)}`;
}

describe('the reference', () => {
  it('lists every command as the table has it', () => {
    const text = readFileSync(file, 'utf8');
    const expected = withReference(
      withReference(text, 'api', referenceOf(apiTable())),
      'admin',
      referenceOf(adminTable()),
    );
    if (process.env['UPDATE_REFERENCE'] === '1') writeFileSync(file, expected);
    else expect(text).toBe(expected);
  });

  it('and help describe every command', () => {
    for (const table of [apiTable(), adminTable()]) {
      const overview = helpFor(table, []).join('\n');
      for (const command of table.commands) {
        expect(overview).toContain(usageOf(command));
        expect(helpFor(table, command.words)[0]).toBe(`Usage: ${usageOf(command)}`);
      }
    }
  });
});
