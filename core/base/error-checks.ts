/**
 * The half of `error-schema.ts` that checks plain values, with the same name, for pages, which have no binary form (see
 * `checks.ts`).
 */

import type { Check } from './checks.ts';
import { bool, oneOf, struct, text } from './checks.ts';
import { carriedDetails, knownCode, maxDetailBytes } from './error-details.ts';
import { MalformedError } from './errors.ts';
import type { ErrorCode, ErrorDetails, ErrorInfo } from './errors.ts';

export const codeCheck: Check<ErrorCode> = {
  check: (value, where = '') => {
    if (typeof value !== 'string') throw new MalformedError('expected an error code', where);
    return knownCode(value);
  },
};

export const detailsCheck: Check<ErrorDetails> = {
  check: (value, where = '') => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new MalformedError('expected an object', where);
    return carriedDetails(value);
  },
};

export const errorSchema: Check<ErrorInfo> = struct({
  code: codeCheck,
  message: text(maxDetailBytes),
  retryable: bool,
  outcome: oneOf('definite', 'unknown'),
  details: detailsCheck,
});
