/** Which details of an error every codec can carry, and what we make of an error that arrives. */

import { errorCodes } from './errors.ts';
import type { ErrorCode, ErrorDetails } from './errors.ts';
import { utf8Length } from './utf8-length.ts';
import { isWellFormed } from './utf8.ts';

export const maxDetailBytes = 8192;
export const maxDetails = 32;
export const maxNameBytes = 64;

/** A code of a later release is still an error. Its message, `retryable` and `outcome` travel with it. */
export function knownCode(code: string): ErrorCode {
  return Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'Internal';
}

/** Every object has these names already, and some decoders refuse them as keys. */
export const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * The details that every codec can carry. The rest is left out: an error without a detail is better than no error at
 * all.
 */
export function carriedDetails(details: object): ErrorDetails {
  const carried: Record<string, string | number | boolean> = {};
  let count = 0;
  for (const [name, one] of Object.entries(details) as [string, unknown][]) {
    if (reservedNames.has(name) || utf8Length(name) > maxNameBytes || !isWellFormed(name)) continue;
    if (typeof one === 'number' ? !Number.isFinite(one) : typeof one !== 'string' && typeof one !== 'boolean') continue;
    if (typeof one === 'string' && (!isWellFormed(one) || utf8Length(JSON.stringify(one)) > maxDetailBytes)) continue;
    if (++count > maxDetails) break;
    // -0 has no JSON form of its own.
    carried[name] = one === 0 ? 0 : (one as string | number | boolean);
  }
  return carried;
}
