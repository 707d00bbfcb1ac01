/**
 * The simulator's program. It runs seeds and prints what each did. For one that fails, it prints the command that runs
 * it again.
 */

import { parseArgs } from 'node:util';
import { SeedFailed, runSeed } from '../core/sim/run.ts';
import type { RunOptions, RunReport } from '../core/sim/run.ts';
import { NodeHash } from './node-hash.ts';
import { lendNodeLatin1 } from './node-latin1.ts';

const help = `Runs haret's real cluster code in a simulated world, from seeds.

  npm run sim -- [--seed N] [--seeds COUNT] [--events M] [--trace]
  npm run sim:long -- [--minutes M] [--seed N]

  --seed N      the first seed (default 1)
  --seeds C     how many seeds, one after the other (default 1)
  --events M    how many events of each run have faults (default 30000)
  --minutes M   goes on with new seeds for M minutes
  --long        the same as --minutes 60
  --wish JSON   what is not left to the seed, as a failure says it
  --trace       prints everything that happens; the same seed prints the same
`;

function main(): number {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      events: { type: 'string', default: '30000' },
      minutes: { type: 'string' },
      long: { type: 'boolean', default: false },
      wish: { type: 'string', default: '{}' },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const first = whole('seed', values.seed);
  const events = whole('events', values.events);
  const minutes = values.minutes === undefined ? (values.long ? 60 : null) : whole('minutes', values.minutes);
  const count = minutes === null ? whole('seeds', values.seeds) : Number.MAX_SAFE_INTEGER;
  const endMs = minutes === null ? Infinity : Date.now() + minutes * 60_000;
  const trace = values.trace ? { trace: (line: string) => void process.stdout.write(`${line}\n`) } : {};
  const { damage, ...wish } = JSON.parse(values.wish) as NonNullable<RunOptions['wish']> & Pick<RunOptions, 'damage'>;
  const wishes = { wish, ...(damage === undefined ? {} : { damage }) };
  lendNodeLatin1();
  const hash = new NodeHash();
  let failed = 0;
  let ran = 0;
  for (let seed = first; seed < first + count && Date.now() < endMs; seed++) {
    ran++;
    try {
      print(runSeed({ seed, events, hash, ...wishes, ...trace }));
    } catch (error) {
      if (!(error instanceof SeedFailed)) throw error;
      failed++;
      process.stdout.write(`${error.message}\n`);
      if (error.cause instanceof Error && values.trace) process.stdout.write(`${error.cause.stack ?? ''}\n`);
    }
  }
  process.stdout.write(`${ran - failed} seeds passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

function print(report: RunReport): void {
  const { seed, events, virtualMs, committed, asked, succeeded, unknown, trace } = report;
  process.stdout.write(
    `seed ${seed}: ${events} events, ${(virtualMs / 1000).toFixed(1)} s, ${committed} committed, ` +
      `${asked} asked, ${succeeded} answered, ${unknown} unknown, trace ${trace.toString(16).padStart(8, '0')}\n`,
  );
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    process.stderr.write(`--${name} takes a whole number, not ${text}\n`);
    process.exit(2);
  }
  return value;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof TypeError) || !('code' in error)) throw error;
  process.stderr.write(`${error.message}\n${help}`);
  process.exitCode = 2;
}
