/** What simulated users do with one type of leaf. */

import type { SeededRandom } from '../../base/random.ts';
import type { Operation } from '../../tree/operation.ts';

/** What a user may use for its next operation. */
export interface Chance {
  readonly random: SeededRandom;
  /** Where a blob is, or may be. */
  readonly blobPath: string;
  /** A value that occurs once in the world. So what carries it can be found in the log. */
  readonly unique: Uint8Array;
}

export type Use = (chance: Chance) => Operation;

export interface LeafUses {
  /** The path at which users make an empty one. Null: they make it in another way. */
  readonly emptyAt: string | null;
  /** The paths that are watched. */
  readonly watched: readonly string[];
  /** The operations of users on this type. An operation that is listed twice happens twice as often. */
  readonly writes: readonly Use[];
  readonly reads: readonly Use[];
}
