/** `npm run lines`: random lives of lines of claims, seed by seed (docs/simulator.md). */

import { parseArgs } from 'node:util';
import { LinesFailed, liveLines } from './exploration.ts';

const { values } = parseArgs({
  options: {
    first: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '200' },
    steps: { type: 'string', default: '1500' },
    trace: { type: 'boolean', default: false },
  },
});
const [first, seeds, steps] = [Number(values.first), Number(values.seeds), Number(values.steps)];
const sum: { [key: string]: number } = {};
const kinds = new Map<string, number[]>();
const beganMs = Date.now();
for (let seed = first; seed < first + seeds; seed++) {
  try {
    for (const [key, count] of Object.entries({ ...liveLines({ seed, steps }) })) sum[key] = (sum[key] ?? 0) + count;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const kind = said
      .split('\n')[0]!
      .replace(/^seed \d+: /, '')
      .replace(/[\[{"].*/s, '')
      .replace(/\d+/g, 'N');
    const known = kinds.get(kind);
    if (known === undefined) {
      kinds.set(kind, [seed]);
      process.stdout.write(`${said}\n`);
      if (values.trace && error instanceof LinesFailed)
        process.stdout.write(`${error.trace.join('\n')}\n${String((error.cause as Error).stack)}\n`);
    } else known.push(seed);
  }
}
for (const [kind, of] of kinds)
  process.stdout.write(`${of.length} times: ${kind}\n    seeds ${of.slice(0, 20).join(' ')}\n`);
const failed = [...kinds.values()].reduce((total, { length }) => total + length, 0);
process.stdout.write(
  `${seeds - failed} seeds passed, ${failed} failed; ${JSON.stringify(sum)}; ${(Date.now() - beganMs) / 1000} s\n`,
);
process.exitCode = failed === 0 && seeds > 0 ? 0 : 1;
