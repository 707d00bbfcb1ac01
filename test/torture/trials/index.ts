/** The trials, in the order in which they are played. A name without a trial, or a trial under another's name, does not compile. */

import type { Trial } from '../trial.ts';
import { trial as anotherSession } from './another-session.ts';
import { trial as bursts } from './bursts.ts';
import { trial as cutsInARow } from './cuts-in-a-row.ts';
import { trial as hosts } from './hosts.ts';
import { trial as manyRegisters } from './many-registers.ts';
import { trial as pages } from './pages.ts';
import { trial as snapshotResumed } from './snapshot-resumed.ts';
import { trial as terminals } from './terminals.ts';
import { trial as twoContainers } from './two-containers.ts';

export const trialNames = [
  'two-containers',
  'cuts-in-a-row',
  'bursts',
  'snapshot-resumed',
  'another-session',
  'many-registers',
  'pages',
  'hosts',
  'terminals',
] as const;
export type TrialName = (typeof trialNames)[number];

const table: { readonly [N in TrialName]: Trial & { readonly name: N } } = {
  'two-containers': twoContainers,
  'cuts-in-a-row': cutsInARow,
  bursts,
  'snapshot-resumed': snapshotResumed,
  'another-session': anotherSession,
  'many-registers': manyRegisters,
  pages,
  hosts,
  terminals,
};

export const trials: readonly Trial[] = trialNames.map((name) => table[name]);
