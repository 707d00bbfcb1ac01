import { describe, expect, it } from 'vitest';
import { explore } from './exploration.ts';

// More seeds, and longer histories: SEEDS=2000 STEPS=4000 FIRST=1 npx vitest run test/vr/exploration.test.ts
const first = Number(process.env['FIRST'] ?? 1);
const seeds = Number(process.env['SEEDS'] ?? 200);
const steps = Number(process.env['STEPS'] ?? 800);

describe('random histories', () => {
  it(`of ${seeds} seeds keep every rule, and heal`, () => {
    let committed = 0;
    for (let seed = first; seed < first + seeds; seed++) {
      const world = explore({
        seed,
        steps,
        damage: seed % 3 === 0 ? 'rot' : seed % 7 === 0 ? 'loss' : seed % 5 === 0 ? 'wrong' : 'none',
      });
      committed += world.committed.size;
    }
    expect(committed).toBeGreaterThan(seeds * 5);
  });
});
