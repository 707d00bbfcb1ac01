import { describe, expect, it } from 'vitest';
import { leafTypes } from '../../core/shell/commands/leaves.ts';
import { enteredShell, testShell } from './run.ts';
import type { TestShell } from './run.ts';

async function stocked(): Promise<TestShell> {
  const test = await enteredShell();
  for (const line of [
    'create blob /some/blob',
    'create blob /some/blot',
    'create queue /some/queue',
    'create set /some/other/node',
    'create blob "/with space/a b"',
  ]) {
    expect((await test.run(line)).status).toBe(0);
  }
  return test;
}

/** The texts that the candidates would insert, for a line with the cursor at its end or at `|`. */
async function inserts(test: TestShell, marked: string): Promise<readonly string[]> {
  const cursor = marked.includes('|') ? marked.indexOf('|') : marked.length;
  const { candidates } = await test.shell.complete(marked.replace('|', ''), cursor);
  return candidates.map((candidate) => candidate.insert);
}

describe('completion', () => {
  it('knows commands, word by word', async () => {
    const test = await stocked();
    expect(await inserts(test, 'bl')).toEqual(['blob']);
    expect(await inserts(test, 'blob ')).toEqual(['cas', 'get', 'put', 'size']);
    expect(await inserts(test, 'set s')).toEqual(
      ['size', 'subset', 'superset', 'symmetric-difference'].filter((w) => w.startsWith('s')),
    );
    expect(await inserts(test, 'nonsense ')).toEqual([]);
    expect(await inserts(test, 'ls ; blob g')).toEqual(['get']);
    expect(await inserts(test, 'help queue l')).toEqual(['len', 'list']);
    expect(await inserts(test, 'explain counter i')).toEqual(['incr']);
  });

  it('knows flags, and leaves out those that were given', async () => {
    const test = await stocked();
    expect(await inserts(test, 'ls --l')).toEqual(['--long', '--limit']);
    expect(await inserts(test, 'ls --limit 5 --l')).toEqual(['--long']);
    expect(await inserts(test, 'create ')).toEqual(['directory', ...leafTypes]);
  });

  it('knows namespaces', async () => {
    expect(await inserts(testShell(), 'enter te')).toEqual(['test-ns']);
  });

  it('knows paths, and only the leaves that the command is for', async () => {
    const test = await stocked();
    expect(await inserts(test, 'ls ')).toEqual(['/']);
    expect(await inserts(test, 'ls /s')).toEqual(['/some/']);
    expect(await inserts(test, 'stat /some/')).toEqual(['/some/blob', '/some/blot', '/some/other/', '/some/queue']);
    expect(await inserts(test, 'blob get /some/')).toEqual(['/some/blob', '/some/blot', '/some/other/']);
    expect(await inserts(test, 'queue pop /some/')).toEqual(['/some/other/', '/some/queue']);
    expect(await inserts(test, 'set union /some/other/node /some/other/')).toEqual(['/some/other/node']);
    expect(await inserts(test, 'blob put /some/blob ')).toEqual([]);
  });

  it('quotes a word that would be split', async () => {
    const test = await stocked();
    expect(await inserts(test, 'blob get /w')).toEqual(['"/with space/']);
    expect(await inserts(test, 'blob get "/with space/')).toEqual(['"/with space/a b"']);
  });

  it('lets no stored name drive the terminal', async () => {
    const test = await stocked();
    await test.run('create blob "/x\\u{1b}[2J"');
    expect(await inserts(test, 'blob get /x')).toEqual(['"/x\\u{1b}[2J"']);
    expect((await test.run('blob size "/x\\u{1b}[2J"')).out).toContain('0\n');
  });

  it('looks at the word before the cursor, not at the end of the line', async () => {
    const test = await stocked();
    const completion = await test.shell.complete('blob get /some/blo --x', 'blob get /some/blo'.length);
    expect(completion).toMatchObject({ from: 9, to: 18 });
    expect(await inserts(test, 'bl| get /some/blob')).toEqual(['blob']);
  });

  it('knows the commands that a transaction can have', async () => {
    const test = await stocked();
    expect(await inserts(test, 'txn ')).toEqual(['{']);
    expect(await inserts(test, 'txn { ')).toEqual(['if', 'do', 'else', '}']);
    expect(await inserts(test, 'txn { if v')).toEqual(['version', 'value']);
    expect(await inserts(test, 'txn { if version /some/q')).toEqual(['/some/queue']);
    expect(await inserts(test, 'txn { if version /some/queue ')).toEqual(['=']);
    expect(await inserts(test, 'txn { if absent /a; do blob pu')).toEqual(['put']);
    expect(await inserts(test, 'txn { if absent /a; do en')).toEqual([]);
    expect(await inserts(test, 'txn { if absent /a; do blob get /some/blot; el')).toEqual(['else']);
  });

  it('is not counted as a request, and offers nothing when the node does not answer', async () => {
    const test = await stocked();
    await inserts(test, 'stat /some/');
    expect((await test.run('exists /')).out).toContain('Client Request Num = 6');
    expect(test.connection.asked.at(-2)?.options.consistency).toEqual({ kind: 'local' });
    expect(await inserts(testShell(), 'ls /so')).toEqual([]);
  });
});
