/** What a mutant is: one fix of a scenario of protocol §10 taken out, as an edit of the sources (protocol §10). */

import type { Wish } from '../../core/sim/shape.ts';
import type { Exploration } from '../vr/exploration.ts';

export interface Edit {
  /** Relative to the root of the repository. */
  readonly file: string;
  /** Occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The part of a wish that is for random histories; all else is for the simulator. */
export type HistoryWish = Pick<Exploration, 'voters' | 'checkpointBytes' | 'stageBytes'>;

export interface Mutant {
  /** The row of protocol §10. */
  readonly scenario: string;
  /** What is taken out. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /**
   * Who is to find it: random histories of `core/vr` alone, the simulated cluster, random lives of a store alone, or a client alone among nodes that
   * do it harm.
   */
  readonly by: 'exploration' | 'simulator' | 'lives' | 'chaos';
  /**
   * What must go wrong with one disk, or with one replica's state (histories only), for it to show; left out: it differs from seed to seed, and the
   * disk of a store alone stays whole.
   */
  readonly damage?: 'rot' | 'loss' | 'wrong';
  /** Where it is looked for: worlds in which it can be seen, drawn from the seed but for this. */
  readonly wish?: Wish & HistoryWish & { readonly events?: number };
  /** Why nothing can find it: the fix stands twice, and either half does. It must survive then. */
  readonly equivalent?: string;
}

/** `source` with the edit made. @throws when the text is not there, or not once: the table must follow the sources. */
export function edited(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} has "${find}" ${parts.length - 1} times, not once`);
  return parts.join(replace);
}
