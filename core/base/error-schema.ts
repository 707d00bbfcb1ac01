/** How an error travels inside replies and messages. */

import { MalformedError } from './errors.ts';
import type { ErrorCode, ErrorDetails, ErrorInfo } from './errors.ts';
import { codeCheck, detailsCheck } from './error-checks.ts';
import { carriedDetails, knownCode, maxDetailBytes, maxDetails, maxNameBytes, reservedNames } from './error-details.ts';
import type { Schema } from './schema.ts';
import { bool, list, oneOf, struct, text } from './schema.ts';

const codeSchema: Schema<ErrorCode> = {
  encode: (writer, value) => writer.text(value),
  decode: (reader) => knownCode(reader.text()),
  check: codeCheck.check,
};

const pairsSchema = list(struct({ name: text(maxNameBytes), value: text(maxDetailBytes) }), maxDetails);

/** Details travel as JSON texts by name, so a name is never an object key on the wire (architecture §2). */
const detailsSchema: Schema<ErrorDetails> = {
  encode: (writer, value) => pairsSchema.encode(writer, toPairs(value)),
  decode: (reader) => fromPairs(pairsSchema.decode(reader)),
  check: detailsCheck.check,
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
