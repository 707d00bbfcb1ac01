/**
 * Random lives of a store (docs/simulator.md).
 * @module-tag slow
 */

import { describe, expect, it, vi } from 'vitest';
import { Store } from '../../core/store/store.ts';
import { seedsOf } from '../again.ts';
import { live } from './lives.ts';

describe('random lives of a store', () => {
  it.each(seedsOf(1, 20))('end with all that it acknowledged, seed %i', live);

  it('print the command that runs a seed again', () => {
    const persist = vi.spyOn(Store.prototype, 'setNodeRecord').mockImplementation(() => {
      throw new Error('one and one is two');
    });
    try {
      expect(() => live(5)).toThrow(/^seed 5 of the store's lives: .*\n {2}again: FIRST=5 SEEDS=1 npx vitest run test/);
    } finally {
      persist.mockRestore();
    }
  });
});
