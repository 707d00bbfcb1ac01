/**
 * `npm run histories`: random histories of one group, seed by seed. It reports every seed that fails and goes on
 * (docs/simulator.md).
 */

import { parseArgs } from 'node:util';
import type { Damage } from './exploration.ts';
import { damageOf, explore } from './exploration.ts';

const help = `Explores random histories of one group, one seed after the other. Reports each seed that fails, and goes on.

  npm run histories -- [--first N] [--seeds M] [--steps S] [--damage D] [--voters V]

  --first N    the first seed (default 1)
  --seeds M    how many (default 300)
  --steps S    steps of each (default 300, 800 or 3000, by the seed)
  --damage D   none, rot, loss or wrong (default by the seed)
  --voters V   (default by the seed)
`;

const damages: readonly Damage[] = ['none', 'rot', 'loss', 'wrong'];
const lengths = [300, 800, 800, 3000];

function main(): number {
  const { values } = parseArgs({
    options: {
      first: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '300' },
      steps: { type: 'string' },
      damage: { type: 'string' },
      voters: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const first = whole('first', values.first);
  const seeds = whole('seeds', values.seeds);
  const steps = values.steps === undefined ? null : whole('steps', values.steps);
  const damage = values.damage === undefined ? null : damages.find((one) => one === values.damage);
  if (damage === undefined) throw new TypeError(`--damage takes ${damages.join(', ')}, not ${values.damage}`);
  const voters = values.voters === undefined ? {} : { voters: whole('voters', values.voters) };

  // By the text without its numbers and names, so that failures fall into kinds.
  const kinds = new Map<string, number[]>();
  let committed = 0;
  let failed = 0;
  const beganMs = Date.now();
  for (let seed = first; seed < first + seeds; seed++) {
    try {
      const length = steps ?? lengths[seed % lengths.length]!;
      committed += explore({ seed, steps: length, damage: damage ?? damageOf(seed), ...voters }).committed.size;
    } catch (error) {
      failed++;
      const said = error instanceof Error ? error.message : String(error);
      process.stdout.write(`${said}\n`);
      const kind = kindOf(said, seed);
      const known = kinds.get(kind);
      if (known === undefined) kinds.set(kind, [seed]);
      else known.push(seed);
    }
  }
  for (const [kind, of] of [...kinds].sort(([, a], [, b]) => b.length - a.length))
    process.stdout.write(`${of.length} times: ${kind}\n    seeds ${of.slice(0, 20).join(' ')}\n`);
  const seconds = (Date.now() - beganMs) / 1000;
  const rate = seeds / Math.max(seconds, 0.001);
  process.stdout.write(
    `${seeds - failed} seeds passed, ${failed} failed; ${committed} entries committed; ${seconds.toFixed(1)} s, ${rate.toFixed(1)} seeds a second\n`,
  );
  return failed === 0 && seeds > 0 ? 0 : 1;
}

function kindOf(said: string, seed: number): string {
  const [line = ''] = said.split('\n');
  return line
    .replace(`seed ${seed}: `, '')
    .replace(/\{.*/s, '')
    .replace(/\d+/g, 'N')
    .replace(/\b[a-l]\b/g, 'X');
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`--${name} takes a whole number, not ${text}`);
  return value;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n${help}`);
  process.exitCode = 2;
}
