/** Base64 as every other implementation has it, and canonical forms only. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64FromBytes, bytesFromBase64 } from '../../core/base/bytes.ts';

describe('base64', () => {
  it('writes the same text as Node, and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = base64FromBytes(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64'));
        expect(bytesFromBase64(text)).toEqual(bytes);
      }),
    );
  });

  it.each([
    'A',
    'AA',
    'AAA',
    'AB==',
    'AAB=',
    'A===',
    '====',
    'AA=A',
    'AA*A',
    'AAé=',
    '\u{1F600}AA',
    'AA A',
    'AAAA=',
    '-_AA',
  ])('refuses %s', (text) => {
    expect(bytesFromBase64(text)).toBeNull();
  });

  it('reads an empty text as no bytes', () => {
    expect(bytesFromBase64('')).toEqual(new Uint8Array(0));
  });
});
