/** The forms of operations on a counter. */

import { int } from '../../base/schema.ts';
import { pathSchema } from '../result.ts';
import type { Forms } from './form.ts';

/** Adds `by`, which may be negative. */
const counterAdd = [8, { path: pathSchema, by: int }] as const;

export const counterForms = {
  writes: { counterAdd },
  upserts: { counterAdd },
  reads: {
    counterGet: [51, { path: pathSchema }],
  },
  guards: {},
} as const satisfies Forms;
