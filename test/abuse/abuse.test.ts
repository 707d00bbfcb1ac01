/** The short form of `npm run abuse`: the attacks that take a few seconds, and that nodes stand. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../integration/programs.ts';
import { play } from '../stage/stage.ts';
import { trialNames, trials } from './trials/index.ts';

describe('the attacks', () => {
  it('are each in a file of its name, and each file is in the table', () => {
    const files = readdirSync(join(packageRoot, 'test/abuse/trials')).filter((file) => file !== 'index.ts');
    expect(files.sort()).toEqual(trialNames.map((name) => `${name}.ts`).sort());
  });

  for (const trial of trials.filter(({ short }) => short)) {
    it(`${trial.name}: ${trial.sentence}`, { timeout: trial.limitMs + 30_000 }, async () => {
      const { faults, kept, skipped } = await play(trial, 1, { tell: () => undefined });
      expect(faults, `kept in ${kept ?? 'nothing'}`).toEqual([]);
      if (skipped !== null) console.warn(`${trial.name} was not played: ${skipped}`);
    });
  }
});
