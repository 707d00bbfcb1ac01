/** The table of mutants fits the sources, and the hunt finds one: `npm run sim:mutants` looks for all of them. */

import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hunt, sourcesOf } from './hunting.ts';
import { mutants } from './table.ts';

const root = resolve(import.meta.dirname, '../..');
/** Of protocol §10, those whose fix is yet to come. */
const toCome = [17, 18, 22, 25, 32, 37];
const scenarios = Array.from({ length: 40 }, (_, i) => i + 1)
  .filter((n) => !toCome.includes(n))
  .map((n) => `V${n}`);

describe('the table of mutants', () => {
  it('fits the sources', () => {
    for (const mutant of mutants) expect(sourcesOf(root, mutant).size).toBeGreaterThan(0);
  });

  it('has a mutant that must be found for every scenario', () => {
    const found = mutants.filter(({ equivalent }) => equivalent === undefined).map(({ scenario }) => scenario);
    expect(scenarios.filter((scenario) => !found.includes(scenario))).toEqual([]);
  });

  it('is hunted through: acknowledgements of what is not durable are found at once', async () => {
    const mutant = mutants.find(({ name }) => name === 'entries are acknowledged before they are durable')!;
    expect((await hunt(root, mutant, 1, 20)).what).toMatch(/vouches for \d+ before it is durable/);
  }, 30_000);
});
