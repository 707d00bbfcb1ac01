/**
 * Random lives of a store whose disk is damaged at the end (docs/simulator.md).
 * @module-tag slow
 */

import { describe, it } from 'vitest';
import { seedsOf } from '../again.ts';
import { rot } from './rotten-lives.ts';

describe('random lives of a store on a bad disk', () => {
  it.each(seedsOf(1, 20))('end with no replica that claims to hold a lost entry, seed %i', rot);
});
