/**
 * Random histories of one group (docs/simulator.md).
 * @module-tag slow
 */

import { describe, expect, it, vi } from 'vitest';
import { InvariantViolation } from '../../core/base/assert.ts';
import { Replica } from '../../core/vr/replica.ts';
import type { Exploration } from './exploration.ts';
import { damageOf, explore } from './exploration.ts';

// More seeds, and longer histories: SEEDS=2000 STEPS=4000 FIRST=1 npx vitest run test/vr/exploration.test.ts
const { env } = process;
const first = Number(env['FIRST'] ?? 1);
const seeds = Number(env['SEEDS'] ?? 200);
const steps = Number(env['STEPS'] ?? 800);

/** By default, or as the command of a failed seed says. */
function shape(seed: number): Exploration {
  const damage = (env['DAMAGE'] as Exploration['damage']) ?? damageOf(seed);
  return { seed, steps, damage, ...(env['VOTERS'] === undefined ? {} : { voters: Number(env['VOTERS']) }) };
}

describe('random histories', () => {
  it(`of ${seeds} seeds keep every rule, and the group works again`, () => {
    let committed = 0;
    for (let seed = first; seed < first + seeds; seed++) committed += explore(shape(seed)).committed.size;
    expect(committed).toBeGreaterThan(seeds * 5);
  });

  it('print the command that runs a seed again, even when a replica finds its own rule broken', () => {
    const step = vi.spyOn(Replica.prototype, 'step').mockImplementation(() => {
      throw new InvariantViolation('one and one is two');
    });
    try {
      expect(() => explore({ seed: 5, steps: 40, voters: 3, damage: 'rot' })).toThrow(
        /^seed 5: .*one and one is two[^]*again: FIRST=5 SEEDS=1 STEPS=40 DAMAGE=rot VOTERS=3 npx vitest run/,
      );
    } finally {
      step.mockRestore();
    }
  });
});
