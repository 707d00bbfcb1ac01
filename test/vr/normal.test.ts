import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('a group at work', () => {
  it.each([1, 2, 3, 5])('of %i elects a primary and answers what is put', (voters) => {
    const world = new World({ voters });
    expect(world.put('x')).toBe('put x at 1');
    expect(world.put('y')).toBe('put y at 2');
    world.awaitAgreement();
  });
});
