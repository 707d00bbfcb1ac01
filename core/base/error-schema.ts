/** How an error travels inside replies and messages. */

import { MalformedError, errorCodes } from './errors.ts';
import type { ErrorCode, ErrorDetails, ErrorInfo } from './errors.ts';
import { isWellFormed, utf8Length } from './bytes.ts';
import type { Schema } from './schema.ts';
import { bool, list, oneOf, struct, text } from './schema.ts';

const codeSchema: Schema<ErrorCode> = {
  encode: (writer, value) => writer.text(value),
  decode: (reader) => knownCode(reader.text()),
  check: (value, where = '') => {
    if (typeof value !== 'string') throw new MalformedError('expected an error code', where);
    return knownCode(value);
  },
};

/** A code of a later release is still an error; its message, `retryable` and `outcome` travel with it. */
function knownCode(code: string): ErrorCode {
  return Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'Internal';
}

const maxDetailBytes = 8192;
const maxDetails = 32;
const maxNameBytes = 64;
const pairsSchema = list(struct({ name: text(maxNameBytes), value: text(maxDetailBytes) }), maxDetails);

/** Names that objects have anyway, which some decoders refuse as keys. */
const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** The details that every codec can carry; what is beyond that is left out, because an error is better told than lost. */
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

/** Details travel as JSON texts by name, so that names are never object keys on the wire (design §2). */
const detailsSchema: Schema<ErrorDetails> = {
  encode: (writer, value) => pairsSchema.encode(writer, toPairs(value)),
  decode: (reader) => fromPairs(pairsSchema.decode(reader)),
  check: (value, where = '') => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new MalformedError('expected an object', where);
    return carriedDetails(value);
  },
};

function toPairs(details: ErrorDetails): readonly { name: string; value: string }[] {
  return Object.entries(carriedDetails(details)).map(([name, value]) => ({ name, value: JSON.stringify(value) }));
}

function fromPairs(pairs: readonly { readonly name: string; readonly value: string }[]): ErrorDetails {
  const details: Record<string, unknown> = {};
  for (const { name, value } of pairs) {
    try {
      // A pair named __proto__ must not become the object's prototype.
      if (!reservedNames.has(name)) details[name] = JSON.parse(value);
    } catch {
      throw new MalformedError(`error detail ${name} is not JSON`);
    }
  }
  return carriedDetails(details);
}

export const errorSchema: Schema<ErrorInfo> = struct({
  code: codeSchema,
  message: text(maxDetailBytes),
  retryable: bool,
  outcome: oneOf('definite', 'unknown'),
  details: detailsSchema,
});
