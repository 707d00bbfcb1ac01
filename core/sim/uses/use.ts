/** What simulated users do with one type of leaf. */

import type { SeededRandom } from '../../base/random.ts';
import type { Operation } from '../../tree/operation.ts';

/** What a user has at hand for its next operation. */
export interface Chance {
  readonly random: SeededRandom;
  /** Where a blob is, or may be. */
  readonly blobPath: string;
  /** A value that occurs once in the world: what carries it can be told from everything else in the log. */
  readonly unique: Uint8Array;
}

export type Use = (chance: Chance) => Operation;

export interface LeafUses {
  /** Where users make one without a value; null: they make it otherwise. */
  readonly emptyAt: string | null;
  /** What of it is watched. */
  readonly watched: readonly string[];
  /** What they do to it and ask of it. What stands here twice happens twice as often. */
  readonly writes: readonly Use[];
  readonly reads: readonly Use[];
}
