/** The operations on a barrier (coordination §8). */

import { makeChange } from '../change.ts';
import { Failure } from '../failure.ts';
import { DirectoryNode } from '../node.ts';
import { growthOfBytes } from '../nodes/head.ts';
import type { Asked } from '../operation.ts';
import { replace } from '../place.ts';
import type { Place } from '../place.ts';
import { lineAt } from './line.ts';
import { leafOf } from './lock.ts';
import type { LeafRules, WriteContext, Written } from './rules.ts';
import { onlyPath } from './steps.ts';

function setBarrier(
  place: Place,
  { open }: Asked<'barrierSet'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const { path } = place;
  const node = lineAt(place, 'barrier');
  if (node instanceof Failure) return node;
  if (node.settings.open === open) return { root, result: { kind: 'done', version: node.version } };
  const after = node.withSettings({ open }, context.op, context.owner);
  context.changes.push(makeChange(path, open ? 'opened' : 'closed', after, null, null));
  if (!context.touched.has(path)) context.touched.set(path, 0);
  return { root: replace(place, after, growthOfBytes(0), context), result: { kind: 'done', version: after.version } };
}

export const barrierRules: LeafRules<'barrier'> = {
  ...leafOf('barrier'),
  writes: { barrierSet: { grows: false, refuse: onlyPath, apply: setBarrier } },
  upserts: {},
  reads: {},
  guards: {},
};
