/**
 * The limits that decide how an entry is applied. They are part of what a namespace replicates: the catalog fixes them
 * when the namespace is created, and snapshots carry them. So no node's own configuration can make two replicas differ.
 */

import type { Limits } from '../base/limits.ts';
import type { TypeOf } from '../base/schema.ts';
import { struct, uint } from '../base/schema.ts';
import { treeLimitsOf, treeLimitsSchema } from '../tree/limits.ts';

export const serviceLimitsSchema = struct({
  /** Sessions. One more evicts the session that was idle longest, unless that session is alive. */
  maxSessions: uint(Number.MAX_SAFE_INTEGER, 1),
  /** Requests that one session may have outstanding. */
  maxWindow: uint(Number.MAX_SAFE_INTEGER, 1),
  /** When one session's kept replies have this many bytes, the client must first say which it has received. */
  maxWindowReplyBytes: uint(Number.MAX_SAFE_INTEGER, 1),
  /** A session expires after this much replicated time without a sign of life, in milliseconds. */
  sessionMs: uint(Number.MAX_SAFE_INTEGER, 1),
  tree: treeLimitsSchema,
});
export type ServiceLimits = TypeOf<typeof serviceLimitsSchema>;

/** The limits of a namespace that is created now, from the configuration of the node that creates it. */
export function serviceLimitsOf(limits: Limits, sessionMs: number): ServiceLimits {
  return {
    maxSessions: limits.maxSessions,
    maxWindow: limits.maxWindow,
    maxWindowReplyBytes: limits.maxWindowReplyBytes,
    sessionMs,
    tree: treeLimitsOf(limits),
  };
}
