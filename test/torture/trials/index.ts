/**
 * The trials, in the order in which they are played. A name without a trial, or a trial under another name, does not
 * compile.
 */

import type { Trial } from '../../stage/trial.ts';
import { trial as anotherSession } from './another-session.ts';
import { trial as bursts } from './bursts.ts';
import { trial as cutsInARow } from './cuts-in-a-row.ts';
import { trial as hosts } from './hosts.ts';
import { trial as manyRegisters } from './many-registers.ts';
import { trial as pages } from './pages.ts';
import { trial as snapshotResumed } from './snapshot-resumed.ts';
import { trial as terminals } from './terminals.ts';
import { trial as twoContainers } from './two-containers.ts';
import { trial as twoBadBatches } from './two-bad-batches.ts';
import { trial as newestSegments } from './newest-segments.ts';
import { trial as newestUsedSegments } from './newest-used-segments.ts';
import { trial as logGone } from './log-gone.ts';
import { trial as fullDisk } from './full-disk.ts';
import { trial as forgedViews } from './forged-views.ts';
import { trial as forgedAcknowledgements } from './forged-acknowledgements.ts';
import { trial as forgedHellos } from './forged-hellos.ts';
import { trial as forgedForwards } from './forged-forwards.ts';
import { trial as floods } from './floods.ts';
import { trial as definite } from './definite.ts';
import { trial as oneIdentity } from './one-identity.ts';
import { trial as cutOff } from './cut-off.ts';
import { trial as astray } from './astray.ts';
import { trial as stallingClient } from './stalling-client.ts';

export const trialNames = [
  'two-bad-batches',
  'newest-segments',
  'newest-used-segments',
  'log-gone',
  'full-disk',
  'two-containers',
  'cuts-in-a-row',
  'bursts',
  'snapshot-resumed',
  'forged-views',
  'forged-acknowledgements',
  'forged-hellos',
  'forged-forwards',
  'floods',
  'definite',
  'one-identity',
  'cut-off',
  'astray',
  'stalling-client',
  'another-session',
  'many-registers',
  'pages',
  'hosts',
  'terminals',
] as const;
export type TrialName = (typeof trialNames)[number];

const table: { readonly [N in TrialName]: Trial & { readonly name: N } } = {
  'two-bad-batches': twoBadBatches,
  'newest-segments': newestSegments,
  'newest-used-segments': newestUsedSegments,
  'log-gone': logGone,
  'full-disk': fullDisk,
  'two-containers': twoContainers,
  'cuts-in-a-row': cutsInARow,
  bursts,
  'snapshot-resumed': snapshotResumed,
  'forged-views': forgedViews,
  'forged-acknowledgements': forgedAcknowledgements,
  'forged-hellos': forgedHellos,
  'forged-forwards': forgedForwards,
  floods,
  definite,
  'one-identity': oneIdentity,
  'cut-off': cutOff,
  astray,
  'stalling-client': stallingClient,
  'another-session': anotherSession,
  'many-registers': manyRegisters,
  pages,
  hosts,
  terminals,
};

export const trials: readonly Trial[] = trialNames.map((name) => table[name]);
