/** Locks, and what all types of claims have in common. */

import { badArgument } from '../failure.ts';
import type { ClaimType } from '../names.ts';
import { emptyLine } from '../nodes/claims.ts';
import type { LeafRules } from './rules.ts';

/** What all types of claims have in common. */
export function leafOf<T extends Exclude<ClaimType, 'semaphore'>>(
  type: T,
): Pick<LeafRules<T>, 'lastTellsAll' | 'refuseCreate' | 'make'> {
  return {
    lastTellsAll: false,
    refuseCreate: (value) => (value === null ? null : badArgument(`A ${type} is created without a value`, { type })),
    make: (name, op) => emptyLine(name, op, type, { capacity: null, open: false, auto: false }),
  };
}

export const lockRules: LeafRules<'lock'> = { ...leafOf('lock'), writes: {}, upserts: {}, reads: {}, guards: {} };
