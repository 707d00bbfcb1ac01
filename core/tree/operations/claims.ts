/** The forms of operations on any line of claims: a lock, a semaphore, a barrier or an election (coordination §4). */

import { bool, nullable, oneOf, struct, uint, bytes } from '../../base/schema.ts';
import type { TypeOf } from '../../base/schema.ts';
import { claimTypes } from '../names.ts';
import { pageSchema, pathSchema } from '../result.ts';
import type { Forms } from './form.ts';

/** Permits of a semaphore. */
export const maxPermits = 1_000_000;
/** 30 days. */
export const maxWaitMs = 2_592_000_000;
export const minLeaseMs = 1000;
export const maxLeaseMs = 3_600_000;
export const defaultLeaseMs = 10_000;
/** Bytes of the value with which a claim is made, such as that of a candidate. */
export const maxClaimValueBytes: number = 16 * 1024;

const wish = {
  permits: uint(maxPermits, 1),
  /** An exclusive claim holds alone. */
  exclusive: bool,
  value: nullable(bytes(maxClaimValueBytes)),
  /** 0: only if it is granted at once. Null: without end. */
  waitMs: nullable(uint(maxWaitMs)),
  /** The lease of the session, which is set once. Null: the one that it has, or the default. */
  leaseMs: nullable(uint(maxLeaseMs, minLeaseMs)),
  /** Where no node is, one of this type is made, which goes with its last claim. */
  auto: nullable(oneOf(...claimTypes)),
  /** The capacity of that semaphore, also where it is already. */
  of: nullable(uint(maxPermits, 1)),
} as const;
const wishSchema = struct(wish);
export type ClaimWish = TypeOf<typeof wishSchema>;

export const claimsForms = {
  writes: {
    /** Puts a claim in line. It holds what it asks for once it is granted. */
    claim: [11, { path: pathSchema, ...wish }],
    /** Gives up a hold or shadow with exactly this token. `to`: a waiting claim that comes first then, or 0. */
    release: [12, { path: pathSchema, claim: uint(), token: uint(), to: uint() }],
    /** Takes a claim out, whatever became of it. It is named by its op, or by the request that made it; the other is 0. */
    abandon: [13, { path: pathSchema, claim: uint(), request: uint() }],
    /**
     * Makes shadows of all holds, or of the hold of one claim. With `put`, a new claim comes first, also where nobody
     * holds anything.
     */
    steal: [14, { path: pathSchema, claim: uint(), put: nullable(wishSchema) }],
  },
  upserts: {},
  reads: {
    /** Holds and shadows by age, then the line, from position `from` on. */
    claims: [53, { path: pathSchema, limit: pageSchema, from: uint() }],
  },
  guards: {
    /** True when the claim holds with this fencing token. Without `claim`, only an exclusive hold makes it true. */
    heldBy: [11, { path: pathSchema, token: uint(), claim: uint() }],
  },
} as const satisfies Forms;
