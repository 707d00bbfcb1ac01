/** The attacks, in the order in which they are played. A name without an attack, or another's, does not compile. */

import type { Trial } from '../../stage/trial.ts';
import { trial as calm } from './calm.ts';
import { trial as unreadReads } from './unread-reads.ts';

export const trialNames = ['calm', 'unread-reads'] as const;
export type TrialName = (typeof trialNames)[number];

const table: { readonly [N in TrialName]: Trial & { readonly name: N } } = {
  calm,
  'unread-reads': unreadReads,
};

export const trials: readonly Trial[] = trialNames.map((name) => table[name]);
