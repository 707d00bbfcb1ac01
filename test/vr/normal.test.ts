import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

describe('a group at work', () => {
  it.each([1, 2, 3, 5])('of %i replicas elects a primary and answers requests', (voters) => {
    const world = new World({ voters });
    expect(world.put('x')).toBe('put x at 1');
    expect(world.put('y')).toBe('put y at 2');
    world.awaitAgreement();
  });
});
