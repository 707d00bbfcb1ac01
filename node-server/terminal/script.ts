/** Commands without a prompt: those of `-e`, or the lines of an input that is not a terminal (docs/language.md). */

import { exitStatus } from '../../core/shell/index.ts';
import type { ExitStatus, Shell } from '../../core/shell/index.ts';
import type { ProcessOutput } from './output.ts';

/** A longer line cannot be a command. */
const maxLine = 128 * 1024 * 1024;

/** The lines of a stream of text. The last line may lack its line feed. */
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

/** Runs lines until one fails, or all of them with `-k`. @returns the status of the first that failed. */
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
