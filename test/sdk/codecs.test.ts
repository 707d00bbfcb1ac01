/**
 * Codecs: values come out as they went in, a refusal gives its reason, and stored data cannot demand more memory than
 * it has bytes.
 */

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, json, superjson, text } from '../../browser-client/index.ts';
import type { Codec, StandardSchema } from '../../browser-client/index.ts';
import { decode, encode } from '../../browser-client/codecs.ts';

function problem(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Numbers as decimal text that are read as numbers: a schema whose input and output differ. */
const numeric: StandardSchema<string, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'string' && /^\d+$/.test(value)
        ? { value: Number(value) }
        : { issues: [{ message: 'not a number', path: ['deep', { key: 0 }] }, { message: 'at all' }] },
  },
};

describe('a codec', () => {
  it('gives back what it was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array(), fc.jsonValue(), (words, raw, value) => {
        expect(text.decode(text.encode(words))).toBe(words);
        expect(bytes.decode(bytes.encode(raw))).toEqual(raw);
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        expect(json().decode(json().encode(plain))).toEqual(plain);
      }),
    );
  });

  it('of bytes does not keep the frame in which they came', () => {
    const frame = new Uint8Array(1000);
    expect(bytes.decode(frame.subarray(10, 20)).buffer.byteLength).toBe(10);
  });

  it('superjson keeps types that JSON does not', () => {
    const codec: Codec<unknown> = superjson();
    const value = {
      at: new Date(7),
      map: new Map([['a', new Set([1n])]]),
      none: undefined,
      raw: new Uint8Array([1, 2]),
      url: new URL('http://x/'),
      twice: [new Date(7)],
    };
    expect(codec.decode(codec.encode(value))).toEqual(value);
  });

  it('superjson makes no arrays of a length that stored data asks for', () => {
    const stored = utf8('{"json":[2000000000],"meta":{"values":{"0":[["typed-array","Float64Array"]]},"v":1}}');
    expect(problem(() => decode(superjson(), stored, '/x'))).toMatchObject({ code: 'BadValue', outcome: 'definite' });
    expect(problem(() => encode(superjson(), new Float64Array(2), '/x'))).toMatchObject({ code: 'BadValue' });
  });

  it.each([
    '',
    'null',
    '[]',
    '{}',
    '{"json":1,"meta":{"values":{"a":[["custom","bytes"]]}}}',
    '{"json":{"__proto__":1}}',
  ])('superjson survives %j', (stored) => {
    const result = problem(() => decode(superjson(), utf8(stored), '/x'));
    if (result instanceof Error) expect(result).toMatchObject({ code: 'BadValue' });
  });

  it('says where a value breaks its schema, when it is written and when it is read', () => {
    const codec = json(numeric);
    expect(codec.decode(codec.encode('12'))).toBe(12);
    const refusal = { code: 'BadValue', details: { path: '/x', codec: 'json' } };
    expect(problem(() => encode(codec, 'x', '/x'))).toMatchObject({
      ...refusal,
      message: 'not a value of codec json for /x: deep.0: not a number; at all',
    });
    expect(problem(() => decode(codec, utf8('5'), '/x'))).toMatchObject(refusal);
    expect(problem(() => decode(codec, utf8('{'), '/x'))).toMatchObject(refusal);
    expect(problem(() => decode(text, new Uint8Array([255]), '/x'))).toMatchObject({ message: /not UTF-8/ });
  });

  it('refuses a schema that is asynchronous', () => {
    const slow: StandardSchema<string> = {
      '~standard': { version: 1, vendor: 'slow', validate: (value) => Promise.resolve({ value: value as string }) },
    };
    expect(problem(() => encode(json(slow), 'x', '/x'))).toMatchObject({ code: 'BadValue', message: /asynchronously/ });
  });

  it('that refuses the answer to a write does not say that nothing happened', () => {
    expect(problem(() => decode(json(), utf8('{'), '/x', true))).toMatchObject({ outcome: 'unknown' });
  });
});
