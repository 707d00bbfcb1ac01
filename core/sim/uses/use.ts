/** What simulated users do with one type of leaf. */

import type { SeededRandom } from '../../base/random.ts';
import type { LeafType } from '../../tree/names.ts';
import type { Asked, Operation, SimpleOperation } from '../../tree/operation.ts';
import type { AllForms } from '../../tree/operations/index.ts';

/** What a user may use for its next operation. */
export interface Chance {
  readonly random: SeededRandom;
  /** Where a blob is, or may be. */
  readonly blobPath: string;
  /** A value that occurs once in the world. So what carries it can be found in the log. */
  readonly unique: Uint8Array;
}

export type Use<O extends Operation = Operation> = (chance: Chance) => O;

/** Each operation of the type, with how users ask it. One that is there twice happens twice as often; `[]` is never. */
type UsesOf<K> = { readonly [E in K & SimpleOperation['kind']]: readonly Use<Asked<E>>[] };

export interface LeafUses<T extends LeafType = LeafType> {
  /** The path at which users make an empty one, or how else they make one. */
  readonly made: string | Use<Asked<'create'>>;
  /** The paths that are watched. */
  readonly watched: readonly [string, ...string[]];
  readonly writes: UsesOf<keyof AllForms[T]['writes']>;
  readonly reads: UsesOf<keyof AllForms[T]['reads']>;
}
