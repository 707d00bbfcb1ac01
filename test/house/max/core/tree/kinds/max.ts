/** The operations on a maximum. */

import { makeChange } from '../change.ts';
import { Failure, badArgument } from '../failure.ts';
import type { DirectoryNode } from '../node.ts';
import { growthOfBytes, newHead } from '../nodes/head.ts';
import { MaxNode } from '../nodes/max.ts';
import type { Asked } from '../operation.ts';
import { findTyped, nodeAt, replace } from '../place.ts';
import type { Place } from '../place.ts';
import type { LeafRules, WriteContext, Written } from './rules.ts';
import { onlyPath } from './steps.ts';

function raise(place: Place, { to }: Asked<'maxRaise'>, context: WriteContext, root: DirectoryNode): Written | Failure {
  const max = nodeAt(place, 'max');
  if (max instanceof Failure) return max;
  if (to <= max.value) return { root, result: { kind: 'number', number: max.value, version: max.version } };
  const after = max.raised(to, context.op);
  context.changes.push(makeChange(place.path, 'raised', after, null, to));
  return {
    root: replace(place, after, growthOfBytes(0), context),
    result: { kind: 'number', number: to, version: after.version },
  };
}

export const maxRules: LeafRules<'max'> = {
  lastTellsAll: true,
  refuseCreate: (value) => (value === null ? null : badArgument('A max is created without a value', { type: 'max' })),
  make: (name, op) => new MaxNode(newHead(name, op), 0),
  writes: {
    maxRaise: { grows: false, refuse: onlyPath, apply: raise },
  },
  upserts: {
    maxRaise: { type: 'max', refuse: () => null, madeWith: () => null },
  },
  reads: {
    maxGet: {
      refuse: onlyPath,
      read: (root, { path }) => {
        const max = findTyped(root, path, 'max');
        return max instanceof Failure ? max : { kind: 'number', number: max.value, version: max.version };
      },
    },
  },
  guards: {},
};
