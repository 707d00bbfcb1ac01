/**
 * The limits that decide how an entry is applied. They are part of what a namespace replicates: the catalog fixes them when the
 * namespace is created and snapshots carry them, so that no node's own configuration can make two replicas differ.
 */

import type { Limits } from '../base/limits.ts';
import type { TypeOf } from '../base/schema.ts';
import { struct, uint } from '../base/schema.ts';
import { treeLimitsOf, treeLimitsSchema } from '../tree/limits.ts';

export const serviceLimitsSchema = struct({
  /** Sessions; one more evicts the one that was idle longest, if that does not live. */
  maxSessions: uint(Number.MAX_SAFE_INTEGER, 1),
  /** Requests that one session may have outstanding. */
  maxWindow: uint(Number.MAX_SAFE_INTEGER, 1),
  /** Kept reply bytes of one session at which it must first say what it has received. */
  maxWindowReplyBytes: uint(Number.MAX_SAFE_INTEGER, 1),
  /** Replicated time without a sign of life after which a session is expired, in milliseconds. */
  sessionMs: uint(Number.MAX_SAFE_INTEGER, 1),
  tree: treeLimitsSchema,
});
export type ServiceLimits = TypeOf<typeof serviceLimitsSchema>;

/** What a namespace that is created now gets, from the configuration of the node that creates it. */
export function serviceLimitsOf(limits: Limits, sessionMs: number): ServiceLimits {
  return {
    maxSessions: limits.maxSessions,
    maxWindow: limits.maxWindow,
    maxWindowReplyBytes: limits.maxWindowReplyBytes,
    sessionMs,
    tree: treeLimitsOf(limits),
  };
}
