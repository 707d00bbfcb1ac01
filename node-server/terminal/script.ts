/** Commands without a prompt: those of `-e`, or the lines of an input that is not a terminal (docs/language.md). */

import { exitStatus } from '../../core/shell/index.ts';
import type { ExitStatus, Shell } from '../../core/shell/index.ts';
import type { Ending } from './ending.ts';
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

/**
 * Runs lines until one fails, or all of them with `-k`, or until it is time to end. A command that runs is waited for,
 * because the program that it runs may take its time to end; the next line is not.
 * @returns the status of the first that failed.
 */
export async function runScript(
  shell: Shell,
  lines: AsyncIterable<string> | Iterable<string>,
  keepGoing: boolean,
  output: ProcessOutput,
  ending: Ending,
): Promise<ExitStatus> {
  const { signal } = ending;
  let status: ExitStatus = exitStatus.done;
  let running: Promise<unknown> = Promise.resolve();
  const work = async (): Promise<void> => {
    for await (const line of lines) {
      if (signal.aborted) return;
      const run = shell.run(line, output.write, signal);
      running = run;
      const result = await run;
      await output.drained();
      if (status === exitStatus.done) status = result.status;
      if (result.exit || (result.status !== exitStatus.done && !keepGoing)) return;
    }
  };
  await Promise.race([work(), ending.soon]);
  await running;
  return signal.aborted ? ending.status : status;
}
