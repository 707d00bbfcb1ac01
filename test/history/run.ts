/** `npm run check-history FILE` prints the verdict on a history of clients, in words (docs/history.md). */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Verdict } from './check.ts';
import { checkHistory } from './check.ts';
import { HistoryError, parseHistory } from './format.ts';

const help = `Says whether what clients of a cluster were told can be true.

  npm run check-history -- FILE [--steps N]

  FILE        a history: JSON, a record a line, as docs/history.md describes
  --steps N   steps of the search in each part of the tree (default 2000000)

Ends with 0 when nothing contradicts, 1 when something does, 2 when the search found no end, 3 when FILE is no history.
`;

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { steps: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const [file] = positionals;
  if (values.help || file === undefined || positionals.length > 1) {
    process.stdout.write(help);
    return values.help ? 0 : 3;
  }
  const began = performance.now();
  let verdict: Verdict;
  try {
    const steps = values.steps === undefined ? {} : { maxSteps: Number(values.steps) };
    verdict = checkHistory(parseHistory(readFileSync(file, 'utf8')), steps);
  } catch (error) {
    if (!(error instanceof HistoryError) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    process.stderr.write(`${file}: ${(error as Error).message}\n`);
    return 3;
  }
  process.stdout.write(wordsOf(verdict, performance.now() - began));
  return verdict.anomalies.length > 0 ? 1 : verdict.undecided.length > 0 ? 2 : 0;
}

function wordsOf({ anomalies, undecided, calls, unknown, events, parts }: Verdict, ms: number): string {
  const lines: string[] = [];
  for (const { what, lines: of } of anomalies) {
    lines.push(`CONTRADICTION: ${what}`);
    for (const { line, says } of of) lines.push(`  line ${line}: ${says}`);
  }
  for (const part of undecided) lines.push(`UNDECIDED: the search for an order of the calls at ${part} found no end`);
  const seen = `${calls} calls (${unknown} of unknown outcome) in ${parts} independent parts, ${events} events of watches; ${(ms / 1000).toFixed(1)} s`;
  if (anomalies.length === 0 && undecided.length === 0)
    lines.push(`Nothing contradicts: there is an order in which each answer is right. ${seen}`);
  else lines.push(`${anomalies.length} contradictions, ${undecided.length} parts undecided. ${seen}`);
  return `${lines.join('\n')}\n`;
}

process.exitCode = main();
