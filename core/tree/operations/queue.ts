/** The forms of operations on a queue. */

import { uint } from '../../base/schema.ts';
import { pageSchema, pathSchema, valueSchema } from '../result.ts';
import type { Forms } from './form.ts';

const queuePush = [4, { path: pathSchema, value: valueSchema }] as const;

export const queueForms = {
  writes: {
    queuePush,
    queuePop: [5, { path: pathSchema }],
  },
  upserts: { queuePush },
  reads: {
    queueFront: [38, { path: pathSchema }],
    queueBack: [39, { path: pathSchema }],
    queueLength: [40, { path: pathSchema }],
    /** Items from the front, from position `from` on. */
    queueList: [41, { path: pathSchema, limit: pageSchema, from: uint() }],
  },
  guards: {},
} as const satisfies Forms;
