/** Runs lines in a shell for a test, and gathers what they print. */

import { textOf } from '../../core/base/bytes.ts';
import { apiTable, Shell } from '../../core/shell/index.ts';
import type { OutputChunk } from '../../core/shell/index.ts';
import type { ShellOptions } from '../../core/shell/shell.ts';
import { FakeConnection } from './fake-connection.ts';

export function textOfChunk(chunk: OutputChunk): string {
  return typeof chunk.data === 'string' ? chunk.data : (textOf(chunk.data) ?? `<${chunk.data.join(' ')}>`);
}

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly status: number;
  readonly exit: boolean;
}

export interface TestShell {
  readonly shell: Shell;
  readonly connection: FakeConnection;
  readonly run: (line: string, signal?: AbortSignal) => Promise<Ran>;
}

export function testShell(options: Partial<ShellOptions> = {}, connection = new FakeConnection()): TestShell {
  const shell = new Shell({
    table: apiTable(),
    connection,
    output: { mode: 'text', terminal: false, colours: false },
    ...options,
  });
  return {
    shell,
    connection,
    run: async (line, signal) => {
      const text = { out: '', err: '' };
      const { status, exit } = await shell.run(line, (chunk) => (text[chunk.stream] += textOfChunk(chunk)), signal);
      return { ...text, status, exit };
    },
  };
}

/** A test shell that has entered `test-ns`, which was its request 0. */
export async function enteredShell(options: Partial<ShellOptions> = {}): Promise<TestShell> {
  const test = testShell(options);
  await test.run('enter test-ns');
  return test;
}
