/** The forms of operations on a maximum. */

import { finite, int } from '../../base/schema.ts';
import { pathSchema } from '../result.ts';
import type { Forms } from './form.ts';

// Numbers far from those that a real type takes next.
const maxRaise = [31, { path: pathSchema, to: int }] as const;

export const maxForms = {
  writes: { maxRaise },
  upserts: { maxRaise },
  reads: {
    maxGet: [90, { path: pathSchema }],
  },
  guards: {},
} as const satisfies Forms;
