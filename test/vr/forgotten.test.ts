/** Random lives of a replica whose group has forgotten what it committed (docs/simulator.md). */

import { describe, it } from 'vitest';
import { seedsOf } from '../again.ts';
import { forget } from './forgotten.ts';

describe('a replica that comes back to a group that was given old copies', () => {
  it.each(seedsOf(1, 20))('keeps what it has committed, and somebody says what happened, seed %i', forget);
});
