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
 * How much work one operation or transaction may do, so that a small request cannot hold a replica for long. A step takes about as long
 * as comparing two names: some 30 ns, so that this is some 30 ms. It is a constant of the feature level, the same everywhere, because a
 * replica that refuses what another one does would differ from it.
 */
export const maxSteps = 1_000_000;

/** A look at the next node or member of a list: the list's own work, and one comparison. */
export const stepsOfNext = 2;

/** Finding one of `size` nodes or members, by comparisons. */
export function stepsOfFind(size: number): number {
  return 32 - Math.clz32(size) + 1;
}

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

  /** Counts work of so many steps. False when it was too much. */
  work(steps: number): boolean {
    this.#steps -= steps;
    return this.#steps >= 0;
  }

  /** Steps that were counted so far. */
  get worked(): number {
    return maxSteps - this.#steps;
  }

  /** The size of the answer with `bytes` more. */
  with(bytes: number): number {
    return this.maxBytes - this.#left + bytes;
  }
}
