/**
 * `npm run sim:mutants` takes out one fix after the other. The random simulators must find each of these faults
 * (protocol §10).
 */

import { parseArgs } from 'node:util';
import { hunt, sourcesOf } from './hunting.ts';
import type { Found } from './hunting.ts';
import type { Mutant } from './mutant.ts';
import { mutants } from './table.ts';

/** The part of a mutant's time that is spent without any mutant. */
const baselinePart = 1 / 8;

const help = `Takes out one fix of protocol §10 after the other and lets the random simulators look for it.

  npm run sim:mutants -- [--only TEXT]... [--without TEXT]... [--seconds S] [--seed N] [--jobs N]

  --only TEXT      only mutants whose scenario is TEXT or whose name has it
  --without TEXT   not those
  --seconds S      how long each is looked for (default 120)
  --seed N         the first seed (default 1)
  --jobs N         how many are looked for at once (default 1)
`;

function report({ scenario, name, by, equivalent }: Mutant, { what, seed, seconds }: Found): void {
  const verdict = what === null ? (equivalent === undefined ? 'SURVIVED' : 'equivalent') : 'found';
  const took = `seed ${seed}, ${seconds.toFixed(1)} s`;
  const why = what ?? equivalent ?? '';
  process.stdout.write(
    `${scenario.padEnd(4)} ${verdict.padEnd(10)} ${by.padEnd(11)} ${took.padEnd(20)} ${name}\n${' '.repeat(16)}${why}\n`,
  );
}

/** One mutant for each way in which mutants are looked for. */
function distinct(chosen: readonly Mutant[]): readonly Mutant[] {
  const places = new Map(chosen.map((one) => [JSON.stringify([one.by, one.damage, one.wish]), one]));
  return [...places.values()];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      without: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string', default: '120' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const root = process.cwd();
  const { only, without } = values;
  // A table that does not fit the sources is as bad as a mutant that is not found, and can be noticed at once.
  for (const mutant of mutants) sourcesOf(root, mutant);
  const named = (texts: readonly string[], { scenario, name }: Mutant): boolean =>
    texts.some((text) => scenario === text || name.includes(text));
  const chosen = mutants.filter((mutant) => (only === undefined || named(only, mutant)) && !named(without, mutant));
  let wrong = 0;
  // A fault of the unchanged sources would be found for every mutant.
  for (const { by, damage, wish } of distinct(chosen)) {
    const nothing: Mutant = {
      scenario: '-',
      name: `nothing is taken out${wish === undefined ? '' : `, ${JSON.stringify(wish)}`}`,
      by,
      edits: [],
      equivalent: 'nothing to be found',
      ...(damage === undefined ? {} : { damage }),
      ...(wish === undefined ? {} : { wish }),
    };
    const found = await hunt(root, nothing, Number(values.seed), Number(values.seconds) * baselinePart);
    report(nothing, found);
    if (found.what !== null) wrong++;
  }
  const left = chosen.values();
  // Each job takes the next mutant from the same iterator.
  const job = async (): Promise<void> => {
    for (const mutant of left) {
      const found = await hunt(root, mutant, Number(values.seed), Number(values.seconds));
      report(mutant, found);
      if ((found.what === null) !== (mutant.equivalent !== undefined)) wrong++;
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, job));
  process.stdout.write(`${chosen.length} mutants, ${wrong} not as the table says\n`);
  return wrong === 0 && chosen.length > 0 ? 0 : 1;
}

process.exitCode = await main();
