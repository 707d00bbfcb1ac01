/** Every type of leaf, with its operations. */

import type { LeafType } from '../names.ts';
import { blobRules } from './blob.ts';
import { barrierRules, electionRules, lockRules, semaphoreRules } from './claims.ts';
import { counterRules } from './counter.ts';
import { queueRules } from './queue.ts';
import type { LeafRules } from './rules.ts';
import { setRules } from './set.ts';

export const leafRules: { readonly [T in LeafType]: LeafRules<T> } = {
  blob: blobRules,
  queue: queueRules,
  set: setRules,
  counter: counterRules,
  lock: lockRules,
  semaphore: semaphoreRules,
  barrier: barrierRules,
  election: electionRules,
};
