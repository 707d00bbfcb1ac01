/** Random lives of a watch (docs/simulator.md). */

import { describe, it } from 'vitest';
import { seedsOf } from '../again.ts';
import { watch } from './watching.ts';

describe('a watch over connections that break', () => {
  it.each(seedsOf(1, 50))('is told what is there, in its order, seed %i', watch);
});
