/** The operations on a queue. */

import { makeChange } from '../change.ts';
import { Failure, badArgument, limitExceeded, tooMuchWork } from '../failure.ts';
import { maxSteps, stepsOfNext } from '../limits.ts';
import type { ResultBudget } from '../limits.ts';
import type { DirectoryNode } from '../node.ts';
import { growthOfBytes, itemOverheadBytes } from '../nodes/head.ts';
import { QueueNode } from '../nodes/queue.ts';
import type { Asked, SimpleResult } from '../operation.ts';
import { Page, pathOverheadBytes } from '../page.ts';
import { findTyped, nodeAt, replace } from '../place.ts';
import type { Place } from '../place.ts';
import { load, store } from '../stored.ts';
import {
  ack,
  configure,
  extend,
  info,
  listItems,
  nack,
  progress,
  put,
  raise,
  readJob,
  refuseItem,
  take,
} from './jobs.ts';
import type { LeafRules, WriteContext, Written } from './rules.ts';
import { badPathOrValue, onlyPath, valueResult } from './steps.ts';

function push(place: Place, { value }: Asked<'queuePush'>, context: WriteContext): Written | Failure {
  const { op, changes, owner, touched } = context;
  const queue = nodeAt(place, 'queue');
  if (queue instanceof Failure) return queue;
  const refused = refuseItem(place, queue, value, context);
  if (refused !== null) return refused;
  const item = store(value);
  const after = queue.pushed(item, op, owner);
  changes.push(makeChange(place.path, 'pushed', after, item, null));
  if (after.takers > 0 && !touched.has(place.path)) touched.set(place.path, 0);
  const growth = growthOfBytes(value.length + itemOverheadBytes);
  return { root: replace(place, after, growth, context), result: { kind: 'done', version: after.version } };
}

function pop(
  place: Place,
  _operation: Asked<'queuePop'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const { op, budget, changes, owner } = context;
  const queue = nodeAt(place, 'queue');
  if (queue instanceof Failure) return queue;
  const value = queue.front();
  if (value === null) return { root, result: { kind: 'value', value: null, version: queue.version } };
  if (!budget.take(value.length))
    return limitExceeded('maxResultBytes', budget.maxBytes, budget.with(value.length), { path: place.path });
  const after = queue.popped(op, owner);
  changes.push(makeChange(place.path, 'popped', after, value, null));
  const growth = growthOfBytes(-value.length - itemOverheadBytes);
  return {
    root: replace(place, after, growth, context),
    result: { kind: 'value', value: load(value), version: after.version },
  };
}

function list(root: DirectoryNode, asked: Asked<'queueList'>, budget: ResultBudget): SimpleResult | Failure {
  const queue = findTyped(root, asked.path, 'queue');
  if (queue instanceof Failure) return queue;
  const page = new Page<Uint8Array>(asked.limit, budget);
  const skipped = { enough: true };
  const skip = (count: number): boolean => (skipped.enough = budget.work(count * stepsOfNext));
  for (const item of queue.waiting(asked.from, skip)) if (!page.add(load(item), item.length + pathOverheadBytes)) break;
  if (!skipped.enough) return tooMuchWork(maxSteps);
  return page.failure ?? { kind: 'values', values: page.entries, more: page.more };
}

export const queueRules: LeafRules<'queue'> = {
  lastTellsAll: false,
  refuseCreate: (value) =>
    value === null ? null : badArgument('A queue is created without a value', { type: 'queue' }),
  make: (name, op) => QueueNode.empty(name, op),
  writes: {
    queuePush: {
      grows: true,
      refuse: ({ path, value }, limits) => badPathOrValue(path, value, limits),
      apply: push,
    },
    queuePop: { grows: false, refuse: onlyPath, apply: pop },
    queuePut: {
      grows: true,
      refuse: ({ path, value }, limits) => badPathOrValue(path, value, limits),
      apply: put,
    },
    queueTake: { grows: false, refuse: onlyPath, apply: take },
    queueAck: { grows: false, refuse: onlyPath, apply: ack },
    queueNack: { grows: false, refuse: onlyPath, apply: nack },
    queueExtend: { grows: false, refuse: onlyPath, apply: extend },
    queueProgress: { grows: true, refuse: onlyPath, apply: progress },
    queueConfigure: { grows: false, refuse: onlyPath, apply: configure },
    queueDead: { grows: false, refuse: onlyPath, apply: raise },
  },
  upserts: {
    queuePush: { type: 'queue', refuse: () => null, madeWith: () => null },
    queuePut: { type: 'queue', refuse: () => null, madeWith: () => null },
    queueTake: { type: 'queue', refuse: () => null, madeWith: () => null },
    queueConfigure: { type: 'queue', refuse: () => null, madeWith: () => null },
  },
  reads: {
    queueFront: {
      refuse: onlyPath,
      read: (root, { path }, budget) => {
        const queue = findTyped(root, path, 'queue');
        return queue instanceof Failure ? queue : valueResult(queue.front(), queue.version, path, budget);
      },
    },
    queueBack: {
      refuse: onlyPath,
      read: (root, { path }, budget) => {
        const queue = findTyped(root, path, 'queue');
        return queue instanceof Failure ? queue : valueResult(queue.back(), queue.version, path, budget);
      },
    },
    queueLength: {
      refuse: onlyPath,
      read: (root, { path }) => {
        const queue = findTyped(root, path, 'queue');
        return queue instanceof Failure ? queue : { kind: 'number', number: queue.count, version: queue.version };
      },
    },
    queueList: { refuse: onlyPath, read: list },
    queueJob: { refuse: onlyPath, read: readJob },
    queueItems: { refuse: onlyPath, read: listItems },
    queueInfo: { refuse: onlyPath, read: info },
  },
  guards: {},
};
