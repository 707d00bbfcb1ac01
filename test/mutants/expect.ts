/**
 * The small part of vitest that the workloads of tests use. The hunt runs them outside of vitest. Tests in the same
 * files do nothing there.
 */

import assert from 'node:assert/strict';

interface Expectation {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toBeGreaterThan(expected: number): void;
  readonly not: { toBeNull(): void };
}

export function expect(actual: unknown): Expectation {
  return {
    toBe: (expected) => assert.strictEqual(actual, expected),
    toEqual: (expected) => assert.deepStrictEqual(actual, expected),
    toBeGreaterThan: (expected) => assert.ok(Number(actual) > expected, `${String(actual)} is not above ${expected}`),
    not: { toBeNull: () => assert.notStrictEqual(actual, null) },
  };
}

export const describe = (): void => undefined;
export const it = (): void => undefined;
