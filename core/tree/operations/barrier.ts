/** The forms of the operations on a barrier. */

import { bool } from '../../base/schema.ts';
import { pathSchema } from '../result.ts';
import type { Forms } from './form.ts';

export const barrierForms = {
  writes: {
    /** Opens a barrier, so that all who wait pass, or closes it for those who come later. */
    barrierSet: [19, { path: pathSchema, open: bool }],
  },
  upserts: {},
  reads: {},
  guards: {},
} as const satisfies Forms;
