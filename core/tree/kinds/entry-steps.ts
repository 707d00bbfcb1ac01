/** What the group itself does by an entry, of every kind. */

import type { DirectoryNode } from '../node.ts';
import type { Place } from '../place.ts';
import { applyStep } from './claim-steps.ts';
import type { ClaimStep } from './claim-steps.ts';
import { applyLifeStep } from './life-steps.ts';
import type { LifeStep } from './life-steps.ts';
import type { WriteContext } from './rules.ts';

export type EntryStep = ClaimStep | LifeStep;

/** Does a step. One that no longer applies changes nothing. */
export function takeStep(place: Place, step: EntryStep, context: WriteContext, root: DirectoryNode): DirectoryNode {
  switch (step.kind) {
    case 'ownerEnded':
    case 'ttlOver':
    case 'passedOn':
      return applyLifeStep(place, step, context, root);
    default:
      return applyStep(place, step, context, root);
  }
}
