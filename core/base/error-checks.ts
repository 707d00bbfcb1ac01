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

function details(carried: (value: object) => ErrorDetails): Check<ErrorDetails> {
  return {
    check: (value, where = '') => {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new MalformedError('expected an object', where);
      return carried(value);
    },
  };
}

export const detailsCheck = /* @__PURE__ */ details(carriedDetails);

/** A page passes no error on to others. So it only has to see that details are what their types say. */
const detailsOfPage = details((value) =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => typeof one !== 'object')),
);

export const errorSchema: Check<ErrorInfo> = struct({
  code: codeCheck,
  message: text(maxDetailBytes),
  retryable: bool,
  outcome: oneOf('definite', 'unknown'),
  details: detailsOfPage,
});
