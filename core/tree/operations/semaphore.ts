/** The forms of the operations on a semaphore. */

import { uint } from '../../base/schema.ts';
import { pathSchema } from '../result.ts';
import { maxPermits } from './claims.ts';
import type { Forms } from './form.ts';

export const semaphoreForms = {
  writes: {
    /** Makes a semaphore with so many permits, and the missing directories above. */
    semaphoreCreate: [18, { path: pathSchema, capacity: uint(maxPermits, 1) }],
    semaphoreResize: [15, { path: pathSchema, capacity: uint(maxPermits, 1) }],
  },
  upserts: {},
  reads: {},
  guards: {},
} as const satisfies Forms;
