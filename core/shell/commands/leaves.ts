/** The families of commands of each type of leaf. */

import type { LeafType } from '../../tree/names.ts';
import type { CommandSpec, Family, LeafFamily } from '../table.ts';
import { blobFamily } from './blob.ts';
import { barrierFamily, electionFamily, lockFamily, semaphoreFamily } from './claims.ts';
import { counterFamily } from './counter.ts';
import { queueFamily } from './queue.ts';
import { setFamily } from './set.ts';

export const leafFamilies: { readonly [T in LeafType]: LeafFamily<T> } = {
  blob: blobFamily,
  queue: queueFamily,
  set: setFamily,
  counter: counterFamily,
  lock: lockFamily,
  semaphore: semaphoreFamily,
  barrier: barrierFamily,
  election: electionFamily,
};

export const leafTypes = Object.keys(leafFamilies) as readonly LeafType[];

/** Every command of a leaf, in the order of the families. */
export const leafCommands: readonly CommandSpec[] = Object.values(leafFamilies).flatMap(({ commands }) =>
  Object.values<readonly CommandSpec[]>(commands).flat(),
);

/** True for a family whose commands are for one type of leaf. */
export function isLeafFamily(family: Family): family is LeafType {
  return Object.hasOwn(leafFamilies, family);
}
