/** The operations on a counter. */

import { textOf } from '../../base/bytes.ts';
import { makeChange } from '../change.ts';
import { Failure, badArgument } from '../failure.ts';
import type { DirectoryNode } from '../node.ts';
import { CounterNode } from '../nodes/counter.ts';
import { growthOfBytes, newHead } from '../nodes/head.ts';
import type { Asked } from '../operation.ts';
import { findTyped, nodeAt, replace } from '../place.ts';
import type { Place } from '../place.ts';
import type { LeafRules, WriteContext, Written } from './rules.ts';
import { onlyPath } from './steps.ts';

/** A counter has the same size whatever its value. */
const noGrowth = growthOfBytes(0);

const decimal = /^-?(?:0|[1-9][0-9]{0,15})$/;

/**
 * The number with which a counter is created: a whole number in canonical decimal form, within +-(2^53 - 1). Otherwise
 * null.
 */
function counterValue(value: Uint8Array): number | null {
  const text = value.length <= 17 ? textOf(value) : null;
  if (text === null || !decimal.test(text) || text === '-0') return null;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : null;
}

function add(place: Place, { by }: Asked<'counterAdd'>, context: WriteContext, root: DirectoryNode): Written | Failure {
  const counter = nodeAt(place, 'counter');
  if (counter instanceof Failure) return counter;
  const sum = counter.value + by;
  if (!Number.isSafeInteger(sum))
    return new Failure('CounterOverflow', 'Counter would pass +-(2^53 - 1)', {
      path: place.path,
      limit: Number.MAX_SAFE_INTEGER,
      value: counter.value,
      by,
    });
  if (by === 0) return { root, result: { kind: 'number', number: sum, version: counter.version } };
  const after = counter.withValue(sum, context.op);
  context.changes.push(makeChange(place.path, 'counted', after, null, sum));
  return {
    root: replace(place, after, noGrowth, context),
    result: { kind: 'number', number: sum, version: after.version },
  };
}

export const counterRules: LeafRules<'counter'> = {
  lastTellsAll: true,
  refuseCreate: (value) =>
    value === null || counterValue(value) !== null
      ? null
      : badArgument('The value of a counter is a whole number within +-(2^53 - 1)', { type: 'counter' }),
  make: (name, op, value) => new CounterNode(newHead(name, op), value === null ? 0 : counterValue(value)!),
  writes: {
    counterAdd: { grows: false, refuse: onlyPath, apply: add },
  },
  upserts: {
    counterAdd: { type: 'counter', refuse: () => null, madeWith: () => null },
  },
  reads: {
    counterGet: {
      refuse: onlyPath,
      read: (root, { path }) => {
        const counter = findTyped(root, path, 'counter');
        if (counter instanceof Failure) return counter;
        return { kind: 'number', number: counter.value, version: counter.version };
      },
    },
  },
  guards: {},
};
