/** Every type of leaf, with its operations. */

import type { LeafType } from '../names.ts';
import { blobRules } from './blob.ts';
import { barrierRules } from './barrier.ts';
import { electionRules } from './election.ts';
import { lockRules } from './lock.ts';
import { semaphoreRules } from './semaphore.ts';
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
