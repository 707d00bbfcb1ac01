/** The forms of the operations on an election. */

import { bytes, uint } from '../../base/schema.ts';
import { pathSchema } from '../result.ts';
import { maxClaimValueBytes } from './claims.ts';
import type { Forms } from './form.ts';

export const electionForms = {
  writes: {
    /** Replaces the value of the leader. */
    proclaim: [17, { path: pathSchema, claim: uint(), token: uint(), value: bytes(maxClaimValueBytes) }],
  },
  upserts: {},
  reads: {
    leader: [54, { path: pathSchema }],
  },
  guards: {},
} as const satisfies Forms;
