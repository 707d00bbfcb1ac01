/** The short form of a program of trials: those that take a few seconds are in the tests. Only the program plays the others. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../integration/programs.ts';
import { play } from './stage.ts';
import type { Trial } from './trial.ts';

/** Holds that each trial has a file of its name in `directory`, and plays the short ones. Call it within a `describe`. */
export function playShort(directory: string, names: readonly string[], trials: readonly Trial[]): void {
  it('are each in a file of its name, and each file is in the table', () => {
    const files = readdirSync(join(packageRoot, directory)).filter((file) => file !== 'index.ts');
    expect(files.sort()).toEqual(names.map((name) => `${name}.ts`).sort());
  });

  for (const trial of trials.filter(({ short }) => short)) {
    it(`${trial.name}: ${trial.sentence}`, { timeout: trial.limitMs + 30_000 }, async () => {
      const { faults, kept, skipped } = await play(trial, 1, { tell: () => undefined });
      expect(faults, `kept in ${kept ?? 'nothing'}`).toEqual([]);
      if (skipped !== null) console.warn(`${trial.name} was not played: ${skipped}`);
    });
  }
}
