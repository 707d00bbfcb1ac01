/** A program that plays trials one after the other, tells the story of each, and ends with a table of the verdicts. */

import { parseArgs } from 'node:util';
import { breakOff, failedAside, play } from './stage.ts';
import type { Trial, Verdict } from './trial.ts';

/** A column of the table, behind the verdict and the seconds. */
export interface Column {
  readonly head: string;
  readonly of: (verdict: Verdict) => string;
}

export interface Program {
  /** `npm run NAME` starts it. */
  readonly name: string;
  /** What it does, for its help. */
  readonly about: string;
  readonly trials: readonly Trial[];
  readonly columns: readonly Column[];
}

const help = ({ name, about }: Program): string => `${about}
Build the programs first: npm run build.

  npm run ${name} -- [--only NAME] [--seed N] [--json] [--short] [--list]

  --only NAME   only trials whose name contains NAME; may be given more than once
  --seed N      the number from which all chance is drawn (default 1)
  --json        the verdicts as JSON on standard output; the story goes to standard error
  --short       only the trials that are in the tests
  --list        the names, and what each does

The exit status is 1 when a trial failed. Its data, logs and story are kept, and the output says where.
`;

function tell(line: string, json: boolean): void {
  (json ? process.stderr : process.stdout).write(`${line}\n`);
}

function table(verdicts: readonly Verdict[], columns: readonly Column[]): string[] {
  const all: readonly Column[] = [
    {
      head: 'verdict',
      of: ({ passed, skipped }) => (!passed ? 'FAILED' : skipped === null ? 'passed' : 'skipped'),
    },
    { head: 'seconds', of: ({ seconds }) => seconds.toFixed(1) },
    ...columns,
  ];
  const rows = [all.map(({ head }) => head), ...verdicts.map((verdict) => all.map((column) => column.of(verdict)))];
  const wide = all.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const names = ['trial', ...verdicts.map(({ name }) => name)];
  const widest = Math.max(...names.map((name) => name.length));
  return rows.map((row, i) =>
    [names[i]!.padEnd(widest), ...row.map((cell, at) => cell.padStart(wide[at]!))].join('  ').trimEnd(),
  );
}

async function main(program: Program): Promise<number> {
  const { trials } = program;
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help(program));
    return 0;
  }
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed: expected a whole number, got ${values.seed}`);
  const { only, json } = values;
  const chosen = trials.filter(
    ({ name, short }) => (only === undefined || only.some((part) => name.includes(part))) && (!values.short || short),
  );
  if (chosen.length === 0) throw new Error('no trial has such a name; --list shows them');
  if (values.list) {
    for (const { name, sentence } of chosen) tell(`${name}\n    ${sentence}`, false);
    return 0;
  }
  const verdicts: Verdict[] = [];
  for (const trial of chosen) {
    tell(`\n${trial.name}: ${trial.sentence}`, json);
    const verdict = await play(trial, seed, { tell: (line) => tell(line, json) });
    verdicts.push(verdict);
    for (const line of verdict.said) tell(`          ${line}`, json);
    for (const refusal of verdict.refusals) tell(`          refused: ${refusal}`, json);
    if (verdict.skipped !== null) tell(`          SKIPPED: ${verdict.skipped}`, json);
    tell(`          ${verdict.passed ? 'passed' : 'FAILED'} in ${verdict.seconds.toFixed(1)} s`, json);
    if (verdict.kept !== null) tell(`          kept: ${verdict.kept}`, json);
  }
  tell('', json);
  for (const line of table(verdicts, program.columns)) tell(line, json);
  const failed = verdicts.filter(({ passed }) => !passed);
  for (const { name, faults, kept } of failed) {
    tell(`\n${name} (kept in ${kept ?? '?'}):`, json);
    for (const fault of faults) tell(`  - ${fault}`, json);
  }
  const seconds = verdicts.reduce((sum, verdict) => sum + verdict.seconds, 0);
  tell(`\n${verdicts.length} trials, ${failed.length} failed, seed ${seed}, ${seconds.toFixed(0)} s`, json);
  if (json)
    await new Promise<void>((resolve) =>
      process.stdout.write(`${JSON.stringify({ seed, verdicts }, null, 2)}\n`, () => resolve()),
    );
  return failed.length === 0 ? 0 : 1;
}

/** Runs the program to its end, and that of this process. */
export async function runProgram(program: Program): Promise<never> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void breakOff().finally(() => process.exit(1)));
  }
  process.on('unhandledRejection', failedAside);
  // A trial that was given up may still be waiting for something.
  process.exit(await main(program));
}
