/** Commands without a prompt: those of `-e`, or a line each from an input that is no terminal (docs/language.md). */

import { exitStatus } from '../../core/shell/index.ts';
import type { ExitStatus, Shell } from '../../core/shell/index.ts';
import type { ProcessOutput } from './output.ts';

/** A line longer than this is no command. */
const maxLine = 128 * 1024 * 1024;

/** The lines of a stream of text, the last one also without its line feed. */
export async function* linesOf(input: AsyncIterable<string>): AsyncGenerator<string> {
  let held = '';
  for await (const chunk of input) {
    const parts = (held + chunk).split('\n');
    held = parts.pop() ?? '';
    if (held.length > maxLine) throw new Error(`a line is longer than ${maxLine} characters`);
    for (const line of parts) yield line.replace(/\r$/, '');
  }
  if (held !== '') yield held;
}

/** Runs lines until one fails, unless it is to keep going. @returns the status of the first that failed. */
export async function runScript(
  shell: Shell,
  lines: AsyncIterable<string> | Iterable<string>,
  keepGoing: boolean,
  output: ProcessOutput,
  signal: AbortSignal,
): Promise<ExitStatus> {
  let status: ExitStatus = exitStatus.done;
  for await (const line of lines) {
    const result = await shell.run(line, output.write, signal);
    await output.drained();
    if (status === exitStatus.done) status = result.status;
    if (result.exit || signal.aborted) break;
    if (result.status !== exitStatus.done && !keepGoing) break;
  }
  return signal.aborted ? exitStatus.interrupted : status;
}
