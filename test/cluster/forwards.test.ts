/** Random forwarding (docs/simulator.md). */

import { describe, it } from 'vitest';
import { seedsOf } from '../again.ts';
import { forward } from './forwards.ts';

describe('a router among peers that lead, fail and forget', () => {
  it.each(seedsOf(1, 50))('tells of each question once what happened to it, seed %i', forward);
});
