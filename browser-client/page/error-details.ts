/** What a page needs of `core/base/error-details.ts`: it only reads what a node has judged already. */

import { errorCodes } from '../../core/base/errors.ts';
import type { ErrorCode, ErrorDetails } from '../../core/base/errors.ts';

export const maxDetailBytes = 8192;

export function knownCode(code: string): ErrorCode {
  return Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'Internal';
}

export function carriedDetails(details: object): ErrorDetails {
  return Object.fromEntries(Object.entries(details).filter(([, one]) => typeof one !== 'object'));
}
