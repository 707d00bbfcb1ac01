/** The forms of operations on how long nodes live (coordination §9). */

import { bool, nullable, uint } from '../../base/schema.ts';
import { nodeTypeSchema, pathSchema, valueSchema } from '../result.ts';
import { maxLeaseMs, maxPermits, minLeaseMs } from './claims.ts';
import type { Forms } from './form.ts';

export const minTtlMs = 1000;
/** 10 years. */
export const maxTtlMs = 315_360_000_000;

export const livesForms = {
  writes: {
    /**
     * As `create`, with options. `ephemeral`: it ends with the session. `sequential`: its name gets the number of the
     * entry. `adopt`: an ephemeral blob of this very session that is there gets the value, and one of another type is taken as it is. `auto`: the directories that are
     * made for it go with their last child. `capacity`: the permits of a semaphore.
     */
    createWith: [
      20,
      {
        path: pathSchema,
        type: nodeTypeSchema,
        value: nullable(valueSchema),
        capacity: nullable(uint(maxPermits, 1)),
        ephemeral: bool,
        sequential: bool,
        adopt: bool,
        auto: bool,
        ttlMs: nullable(uint(maxTtlMs, minTtlMs)),
        /** The lease of the session, which is set once. Null: the one that it has, or the default. */
        leaseMs: nullable(uint(maxLeaseMs, minLeaseMs)),
      },
    ],
    /** Begins the time to live of a node anew, and changes nothing else. */
    touch: [21, { path: pathSchema }],
  },
  upserts: {},
  reads: {},
  guards: {
    /** True when the node is an ephemeral of this session. */
    owner: [12, { path: pathSchema, session: uint() }],
  },
} as const satisfies Forms;
