/**
 * Random comings and goings of nodes (docs/simulator.md).
 * @module-tag slow
 */

import { describe, it } from 'vitest';
import { seedsOf } from '../again.ts';
import { attend } from './attendances.ts';

describe('the reports of nodes that come and go', () => {
  it.each(seedsOf(1, 6))('name who is missing, and nobody else, seed %i', attend);
});
