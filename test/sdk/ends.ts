/** How a call ended, in words that a test can compare. */

import { HaretError } from '../../browser-client/index.ts';

/** `no error`, or the code and the outcome of the error. Anything except a HaretError is a fault, and is thrown. */
export async function endOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'no error';
  } catch (error) {
    if (!(error instanceof HaretError)) throw error;
    return `${error.code} ${error.outcome}`;
  }
}
