/**
 * Random lives of leases and lines of claims (docs/simulator.md). More of them: `npm run lines`.
 * @module-tag slow
 */

import { describe, expect, it } from 'vitest';
import { liveLines } from './exploration.ts';

describe('lines of claims in random lives', () => {
  it('do what the model does, and no client counts on what it does not hold', () => {
    const sums = { entries: 0, grants: 0, expired: 0, fenced: 0, counted: 0 };
    for (let seed = 1; seed <= 40; seed++) {
      const report = liveLines({ seed, steps: 800 });
      for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += report[key];
    }
    // They did what they are about.
    expect(sums.grants).toBeGreaterThan(200);
    expect(sums.expired).toBeGreaterThan(100);
    expect(sums.fenced).toBeGreaterThan(100);
    expect(sums.counted).toBeGreaterThan(10_000);
  }, 120_000);
});
