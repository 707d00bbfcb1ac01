/** The bounds of one tree. They are part of the replicated state, so every replica refuses the same operations. */

import type { Limits } from '../base/limits.ts';
import type { TypeOf } from '../base/schema.ts';
import { struct, uint } from '../base/schema.ts';

export const treeLimitsSchema = struct({
  /** Nodes beneath the root. */
  maxKeys: uint(),
  /** Bytes of names and values, as `Stat.bytes` counts them. */
  maxBytes: uint(),
  /** Children of one directory, members of one set, items of one queue. */
  maxChildren: uint(),
  /** Bytes of one value: a blob, a member, an item. */
  maxValueBytes: uint(),
  /** Guards and operations of one transaction, together. */
  maxTransactionItems: uint(),
  /** Bytes of the answer to one operation or transaction. For a list in pages, the page ends early instead. */
  maxResultBytes: uint(),
});
export type TreeLimits = TypeOf<typeof treeLimitsSchema>;

/** The limits of a tree on a node with these limits. */
export function treeLimitsOf(limits: Limits): TreeLimits {
  return {
    maxKeys: limits.maxNamespaceKeys,
    maxBytes: limits.maxNamespaceBytes,
    maxChildren: limits.maxChildren,
    maxValueBytes: limits.maxValueBytes,
    maxTransactionItems: limits.maxTransactionItems,
    // An answer must fit into one frame, also in base64, with room for the rest of the frame.
    maxResultBytes: Math.max(limits.maxValueBytes, Math.floor(limits.maxFrameBytes / 2)),
  };
}

/**
 * How many nodes and members one operation or transaction may look at, so that a small request cannot keep every
 * replica busy for long. It is a constant of the feature level, the same on every node. One operation on any single
 * directory or set stays below it.
 */
export const maxSteps = 4_000_000;

/** How much work one operation or transaction may still do, and how many bytes its answer may still have. */
export class ResultBudget {
  readonly maxBytes: number;
  #left: number;
  #steps = maxSteps;

  constructor(limits: TreeLimits) {
    this.maxBytes = limits.maxResultBytes;
    this.#left = limits.maxResultBytes;
  }

  /** Takes `bytes`. Returns false, and takes nothing, when they do not fit. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Counts a look at one more node or member. Returns false when there were too many. */
  step(): boolean {
    return --this.#steps >= 0;
  }

  /** The size of the answer with `bytes` more. */
  with(bytes: number): number {
    return this.maxBytes - this.#left + bytes;
  }
}
