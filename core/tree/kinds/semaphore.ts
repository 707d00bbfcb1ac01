/** The operations on a semaphore. */

import { makeChange } from '../change.ts';
import { Failure, badArgument } from '../failure.ts';
import { DirectoryNode } from '../node.ts';
import { emptyLine } from '../nodes/claims.ts';
import { growthOfBytes } from '../nodes/head.ts';
import type { Asked } from '../operation.ts';
import { replace } from '../place.ts';
import type { Place } from '../place.ts';
import { lineAt, moved, endWait, makeLine, heldByOthers } from './line.ts';
import type { LeafRules, WriteContext, Written } from './rules.ts';
import { onlyPath } from './steps.ts';

function createSemaphore(
  place: Place,
  { capacity }: Asked<'semaphoreCreate'>,
  context: WriteContext,
): Written | Failure {
  return makeLine(place, 'semaphore', { capacity, open: false, auto: false }, context);
}

function resize(
  place: Place,
  { capacity }: Asked<'semaphoreResize'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const { path } = place;
  const node = lineAt(place, 'semaphore');
  if (node instanceof Failure) return node;
  if (node.settings.capacity === capacity) return { root, result: { kind: 'done', version: node.version } };
  if (node.used > capacity) return heldByOthers(path, node);
  const after = node.withSettings({ capacity }, context.op, context.owner);
  context.changes.push(makeChange(path, 'resized', after, null, capacity));
  if (!context.touched.has(path)) context.touched.set(path, 0);
  let at = moved(place, replace(place, after, growthOfBytes(0), context), after);
  for (const one of [...after.line()]) {
    if (one.permits <= capacity) continue;
    at = endWait(at, one, 'tooMany', context);
  }
  return { root: at.above[0]!, result: { kind: 'done', version: at.node!.version } };
}

export const semaphoreRules: LeafRules<'semaphore'> = {
  lastTellsAll: false,
  refuseCreate: () => badArgument('A semaphore is created with its permits, by semaphoreCreate', { type: 'semaphore' }),
  make: (name, op) => emptyLine(name, op, 'semaphore', { capacity: 1, open: false, auto: false }),
  writes: {
    semaphoreCreate: { grows: true, refuse: onlyPath, apply: createSemaphore },
    semaphoreResize: { grows: false, refuse: onlyPath, apply: resize },
  },
  upserts: {},
  reads: {},
  guards: {},
};
