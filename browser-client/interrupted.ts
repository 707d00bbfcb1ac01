/** The error of a call that an abort signal ended. */

import type { Outcome } from '../core/base/errors.ts';
import { HaretError, errorInfo } from '../core/base/errors.ts';

/** The error of a call that its `signal` ended. The signal's reason is its cause. */
export function interrupted(signal: AbortSignal, outcome: Outcome): HaretError {
  return new HaretError(errorInfo('Interrupted', 'the call was abandoned', {}, outcome), { cause: signal.reason });
}
