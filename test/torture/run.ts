/**
 * `npm run torture`: plays the trials one after the other. For each it prints what was acknowledged, what is still
 * there, and what refusals said.
 */

import { parseArgs } from 'node:util';
import { breakOff, play } from './stage.ts';
import type { Verdict } from './trial.ts';
import { trials } from './trials/index.ts';

const help = `Does to running nodes what disks, power cuts, operators and strangers do, and checks that nothing is lost or reported wrongly.
Build the programs first: npm run build.

  npm run torture -- [--only NAME] [--seed N] [--json] [--short] [--list]

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

function table(verdicts: readonly Verdict[]): string[] {
  const wide = Math.max(...verdicts.map(({ name }) => name.length));
  const lines = [`${'trial'.padEnd(wide)}  verdict  seconds  acknowledged  there  refusals`];
  for (const { name, passed, skipped, seconds, acknowledged, present, refusals } of verdicts) {
    const verdict = !passed ? 'FAILED' : skipped === null ? 'passed' : 'skipped';
    lines.push(
      `${name.padEnd(wide)}  ${verdict.padEnd(7)}  ${seconds.toFixed(1).padStart(7)}  ${String(acknowledged).padStart(12)}  ${String(present).padStart(5)}  ${String(refusals.length).padStart(8)}`,
    );
  }
  return lines;
}

async function main(): Promise<number> {
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
    process.stdout.write(help);
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
    for (const refusal of verdict.refusals) tell(`          refused: ${refusal}`, json);
    if (verdict.skipped !== null) tell(`          SKIPPED: ${verdict.skipped}`, json);
    tell(`          ${verdict.passed ? 'passed' : 'FAILED'} in ${verdict.seconds.toFixed(1)} s`, json);
    if (verdict.kept !== null) tell(`          kept: ${verdict.kept}`, json);
  }
  tell('', json);
  for (const line of table(verdicts)) tell(line, json);
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

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void breakOff().finally(() => process.exit(1)));
}
// A trial that was given up may still be waiting for something.
process.exit(await main());
