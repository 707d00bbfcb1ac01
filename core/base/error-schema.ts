/** How an error travels inside replies and messages. */

import { MalformedError, errorCodes } from './errors.ts';
import type { ErrorCode, ErrorDetails, ErrorInfo } from './errors.ts';
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
const pairsSchema = list(struct({ name: text(64), value: text(maxDetailBytes) }), maxDetails);

/** Details travel as JSON texts by name, so that names are never object keys on the wire (design §2). */
const detailsSchema: Schema<ErrorDetails> = {
  encode: (writer, value) => pairsSchema.encode(writer, toPairs(value)),
  decode: (reader) => fromPairs(pairsSchema.decode(reader)),
  check: (value, where = '') => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new MalformedError('expected an object', where);
    const details: Record<string, string | number | boolean> = {};
    for (const [name, one] of Object.entries(value).slice(0, maxDetails)) {
      if (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean') details[name] = one;
    }
    return details;
  },
};

function toPairs(details: ErrorDetails): readonly { name: string; value: string }[] {
  return Object.entries(details)
    .slice(0, maxDetails)
    .map(([name, value]) => ({ name, value: JSON.stringify(value) }));
}

function fromPairs(pairs: readonly { readonly name: string; readonly value: string }[]): ErrorDetails {
  const details: Record<string, string | number | boolean> = {};
  for (const { name, value } of pairs) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(value);
    } catch {
      throw new MalformedError(`error detail ${name} is not JSON`);
    }
    if (typeof parsed === 'string' || typeof parsed === 'number' || typeof parsed === 'boolean') details[name] = parsed;
  }
  return details;
}

export const errorSchema: Schema<ErrorInfo> = struct({
  code: codeSchema,
  message: text(maxDetailBytes),
  retryable: bool,
  outcome: oneOf('definite', 'unknown'),
  details: detailsSchema,
});
