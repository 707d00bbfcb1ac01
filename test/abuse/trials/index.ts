/** The attacks, in the order in which they are played. A name without an attack, or another's, does not compile. */

import type { Trial } from '../../stage/trial.ts';
import { trial as calm } from './calm.ts';
import { trial as unreadReads } from './unread-reads.ts';
import { trial as unreadShare } from './unread-share.ts';
import { trial as unreadWatches } from './unread-watches.ts';
import { trial as intersections } from './intersections.ts';
import { trial as largest } from './largest.ts';
import { trial as listings } from './listings.ts';
import { trial as keptReplies } from './kept-replies.ts';
import { trial as bulkAtBackups } from './bulk-at-backups.ts';
import { trial as hangingPrimary } from './hanging-primary.ts';
import { trial as hangingBackup } from './hanging-backup.ts';
import { trial as slowDisk } from './slow-disk.ts';
import { trial as farBehind } from './far-behind.ts';
import { trial as smallHeap } from './small-heap.ts';
import { trial as starved } from './starved.ts';
import { trial as slowStart } from './slow-start.ts';
import { trial as descriptors } from './descriptors.ts';
import { trial as primaryDiskFull } from './primary-disk-full.ts';
import { trial as founderDown } from './founder-down.ts';
import { trial as partialPartition } from './partial-partition.ts';
import { trial as abandoned } from './abandoned.ts';
import { trial as gaps } from './gaps.ts';
import { trial as clientBurst } from './client-burst.ts';

export const trialNames = [
  'calm',
  'unread-reads',
  'unread-share',
  'unread-watches',
  'intersections',
  'largest',
  'listings',
  'kept-replies',
  'bulk-at-backups',
  'hanging-primary',
  'hanging-backup',
  'slow-disk',
  'far-behind',
  'small-heap',
  'starved',
  'slow-start',
  'descriptors',
  'primary-disk-full',
  'founder-down',
  'partial-partition',
  'abandoned',
  'gaps',
  'client-burst',
] as const;
export type TrialName = (typeof trialNames)[number];

const table: { readonly [N in TrialName]: Trial & { readonly name: N } } = {
  calm,
  'unread-reads': unreadReads,
  'unread-share': unreadShare,
  'unread-watches': unreadWatches,
  intersections,
  largest,
  listings,
  'kept-replies': keptReplies,
  'bulk-at-backups': bulkAtBackups,
  'hanging-primary': hangingPrimary,
  'hanging-backup': hangingBackup,
  'slow-disk': slowDisk,
  'far-behind': farBehind,
  'small-heap': smallHeap,
  starved,
  'slow-start': slowStart,
  descriptors,
  'primary-disk-full': primaryDiskFull,
  'founder-down': founderDown,
  'partial-partition': partialPartition,
  abandoned,
  gaps,
  'client-burst': clientBurst,
};

export const trials: readonly Trial[] = trialNames.map((name) => table[name]);
