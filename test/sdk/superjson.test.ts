/**
 * The codec `superjson` compared with superjson itself: it writes the same text, and reads that text as the value that
 * was written.
 */

import fc from 'fast-check';
import SuperJSON from 'superjson';
import { describe, expect, it } from 'vitest';
import { base64FromBytes, bytesFromBase64 } from '../../core/base/base64.ts';
import { superjson as codec, text } from '../../browser-client/index.ts';

const library = new SuperJSON();
library.registerCustom<Uint8Array, string>(
  {
    isApplicable: (value): value is Uint8Array => value instanceof Uint8Array,
    serialize: base64FromBytes,
    deserialize: (stored) => bytesFromBase64(stored)!,
  },
  'bytes',
);

const ours = codec<unknown>();
const write = (value: unknown): string => text.decode(ours.encode(value));
const read = (stored: string): unknown => ours.decode(text.encode(stored));

/** An error is read with its own name. */
function errorOf(name: string, options?: ErrorOptions): Error {
  return Object.assign(new Error('wrong', options), { name });
}

/** A few objects that may occur in a value many times. */
const shared: readonly unknown[] = [
  new Date(7),
  new Set([1, 'a']),
  new Map<unknown, unknown>([['k', { in: 'a map' }]]),
  { x: [1] },
  [new Date(8)],
  123n,
  NaN,
];
const awkwardKey = fc.oneof(fc.constantFrom('a.b', 'a\\', '\\.', '.', '', '0', 'length', 'toString'), fc.string());
const key = awkwardKey.filter((name) => !['__proto__', 'constructor', 'prototype'].includes(name));

const { value: anyValue } = fc.letrec<{ value: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom(undefined, null, true, NaN, Infinity, -Infinity, -0, 0, ...shared),
    fc.string(),
    fc.double(),
    fc.bigInt(),
    // superjson writes an invalid date as null, and so does the codec.
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 8 }),
    fc.constantFrom(
      /a\/b/gi,
      new URL('http://x/y?z=1'),
      errorOf('Error'),
      errorOf('TypeError', { cause: [new Date(1)] }),
    ),
  ),
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'value' },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'value' }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, depthIdentifier: 'value' }),
    fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'value' }).map((members) => new Set(members)),
    fc
      .array(fc.tuple(tie('value'), tie('value')), { maxLength: 4, depthIdentifier: 'value' })
      .map((entries) => new Map(entries)),
  ),
}));

describe('the codec superjson', () => {
  it('writes what the library writes', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(write(value)).toBe(library.stringify(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('reads what the library writes as the value that was written', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const stored = library.stringify(value);
        expect(read(stored)).toEqual(value);
        // Sets and maps keep their order, and objects their identity, so the value is written as before.
        expect(write(read(stored))).toBe(stored);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps an object that contains itself, and objects that occur twice', () => {
    const one: Record<string, unknown> = { at: new Date(5) };
    one['self'] = one;
    one['set'] = new Set<unknown>([one['at'], 2, one]);
    one['map'] = new Map<unknown, unknown>([[one['at'], one]]);
    one['error'] = new Error('wrong', { cause: one['at'] });
    expect(write(one)).toBe(library.stringify(one));
    const again = read(write(one)) as typeof one;
    expect(again['self']).toBe(again);
    expect([...(again['set'] as Set<unknown>)]).toEqual([again['at'], 2, again]);
    expect((again['map'] as Map<unknown, unknown>).get(again['at'])).toBe(again);
    expect((again['error'] as Error).cause).toBe(again['at']);
  });

  it('leaves to JSON the values that it has no type for', () => {
    class Point {
      x = 1;
    }
    for (const value of [
      [new Point()],
      { none: () => 1, one: 1 },
      [new Date(NaN)],
      [Symbol('s')],
      Object.create(null),
    ]) {
      expect(write(value)).toBe(library.stringify(value));
    }
  });

  it.each([
    ['a place that is not there', '{"json":{},"meta":{"values":{"a":["Date"]},"v":1}}'],
    ['a place of a prototype', '{"json":{},"meta":{"values":{"__proto__.x":["Date"]},"v":1}}'],
    [
      'the length of a list',
      '{"json":{"a":[1],"n":4294967295},"meta":{"referentialEqualities":{"n":["a.length"]},"v":1}}',
    ],
    ['an unknown type', '{"json":1,"meta":{"values":["toString"],"v":1}}'],
    ['a typed array', '{"json":[9],"meta":{"values":[["typed-array","Float64Array"]],"v":1}}'],
    ['a class', '{"json":{},"meta":{"values":[["class","Object"]],"v":1}}'],
    ['bytes that are none', '{"json":"%","meta":{"values":[["custom","bytes"]],"v":1}}'],
    ['an equality in a place that is not there', '{"json":{},"meta":{"referentialEqualities":{"a":["b"]},"v":1}}'],
    ['no document', '[]'],
  ])('refuses %s', (_, stored) => {
    expect(() => read(stored)).toThrow();
    expect(({} as { x?: unknown }).x).toBe(undefined);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('refuses a property named %s', (name) => {
    expect(() => write(JSON.parse(`{"${name}":1}`))).toThrow(`a property named ${name}`);
  });
});
