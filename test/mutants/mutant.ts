/** A mutant: an edit of the sources that takes out one fix of a scenario of protocol §10. */

import type { Wish } from '../../core/sim/shape.ts';
import type { Exploration } from '../vr/exploration.ts';

export interface Edit {
  /** Its path from the root of the repository. */
  readonly file: string;
  /** The text to replace. It occurs exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The part of a wish that is for random histories; all else is for the simulator. */
export type HistoryWish = Pick<Exploration, 'voters' | 'checkpointBytes' | 'stageBytes'>;

export interface Mutant {
  /** The row of protocol §10. */
  readonly scenario: string;
  /** The fault of the mutant. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /**
   * What must find it: random histories of `core/vr` alone, a replica alone whose group forgot what it committed, the
   * simulated cluster, nodes that come and go, two ends of a handshake, a router alone, random lives of a store alone, a
   * watch alone, a service alone with leases and lines of claims, or a client alone among nodes that harm it.
   */
  readonly by:
    | 'exploration'
    | 'forgotten'
    | 'simulator'
    | 'attendance'
    | 'handshakes'
    | 'forwards'
    | 'lives'
    | 'watching'
    | 'lines'
    | 'chaos';
  /**
   * The damage to one disk, or to one replica's state (histories only), that makes the fault visible. Without it, the
   * damage differs from seed to seed.
   */
  readonly damage?: 'rot' | 'loss' | 'wrong';
  /** The worlds in which it is looked for, because the fault is visible there. Everything else is drawn from the seed. */
  readonly wish?: Wish & HistoryWish & { readonly events?: number };
  /** Why nothing can find it: the fix is there twice, and either half is enough. The mutant must then survive. */
  readonly equivalent?: string;
}

/**
 * Makes the edit in `source`.
 * @throws when the text does not occur exactly once, because the table must follow the sources.
 */
export function edited(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} has "${find}" ${parts.length - 1} times, not once`);
  return parts.join(replace);
}
