/**
 * A table of numbers that rise says the same as a Map, whatever is asked of it.
 * @module-tag slow
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Numbered } from '../../core/base/numbered.ts';

type Step = readonly ['set' | 'next' | 'take' | 'get', number] | readonly ['clear'];

const anyNumber = fc.oneof(
  fc.nat(40),
  // Numbers whose slots meet, however many there are.
  fc.nat(6).map((n) => n * 64),
  fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 32 + 8, Number.MAX_SAFE_INTEGER),
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('set', 'take', 'get'), anyNumber) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('next' as const), fc.integer({ min: 1, max: 9 })) },
  { weight: 1, arbitrary: fc.constant(['clear'] as const) },
);

function inOrder(map: ReadonlyMap<number, string>): [number, string][] {
  return [...map].sort(([a], [b]) => a - b);
}

describe('a table by number', () => {
  it('answers as a Map does', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 200 }), (steps) => {
        const table = new Numbered<string>();
        const map = new Map<number, string>();
        let last = 0;
        steps.forEach(([kind, number = 0], at) => {
          if (kind === 'clear') {
            table.clear();
            map.clear();
          } else if (kind === 'take') {
            expect(table.take(number)).toBe(map.get(number));
            map.delete(number);
          } else if (kind === 'get') {
            expect(table.get(number)).toBe(map.get(number));
          } else {
            const key = kind === 'next' ? (last += number) : number;
            table.set(key, `item ${at}`);
            map.set(key, `item ${at}`);
          }
          expect(table.size).toBe(map.size);
        });
        expect(table.values()).toEqual(inOrder(map).map(([, item]) => item));
        for (const [key, item] of map) expect(table.get(key)).toBe(item);
      }),
    );
  });

  it('keeps the values that stay while thousands come and go, and lists them in order', () => {
    const table = new Numbered<number>();
    table.set(3, 3);
    table.set(70, 70);
    for (let number = 100; number < 50_000; number++) {
      table.set(number, number);
      if (number > 130) expect(table.take(number - 30)).toBe(number - 30);
    }
    expect(table.get(3)).toBe(3);
    expect(table.size).toBe(33);
    const numbers = table.values();
    expect(numbers.slice(0, 2)).toEqual([3, 70]);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });
});
