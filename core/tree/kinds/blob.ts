/** The operations on a blob. */

import { emptyBytes } from '../../base/bytes.ts';
import type { Op } from '../../base/ids.ts';
import { makeChange } from '../change.ts';
import { Failure, badArgument, guardFailed } from '../failure.ts';
import { BlobNode } from '../nodes/blob.ts';
import { growthOfBytes, newHead } from '../nodes/head.ts';
import type { Asked } from '../operation.ts';
import { findTyped, nodeAt, refuseGrowth, replace } from '../place.ts';
import type { Place } from '../place.ts';
import { equalsStored, store } from '../stored.ts';
import type { LeafRules, WriteContext, Written } from './rules.ts';
import { badPath, badPathOrValue, checkVersion, makeAt, onlyPath, tooLarge, valueResult } from './steps.ts';

function make(name: string, op: Op, value: Uint8Array | null): BlobNode {
  return new BlobNode(newHead(name, op), store(value ?? emptyBytes));
}

function put(place: Place, operation: Asked<'blobPut'>, context: WriteContext): Written | Failure {
  const { path, value, ifAbsent, ifVersion } = operation;
  const large = tooLarge(value, context.limits, path);
  if (large !== null) return large;
  if (ifAbsent) {
    if (ifVersion !== null) return badArgument('ifVersion and ifAbsent exclude each other', { path });
    if (place.node !== null) return guardFailed(path, 'absent', { actual: place.node.version });
    return makeAt(place, (name) => make(name, context.op, value), context);
  }
  const blob = nodeAt(place, 'blob');
  if (blob instanceof Failure) return blob;
  const refused = checkVersion(blob, path, ifVersion);
  if (refused !== null) return refused;
  return putValue(place, blob, value, context);
}

export function putValue(place: Place, blob: BlobNode, value: Uint8Array, context: WriteContext): Written | Failure {
  const growth = growthOfBytes(value.length - blob.bytes);
  const refused = refuseGrowth(place, growth, context.limits);
  if (refused !== null) return refused;
  const after = blob.withValue(store(value), context.op, context.owner);
  context.changes.push(makeChange(place.path, 'put', after, after.value, null));
  return { root: replace(place, after, growth, context), result: { kind: 'done', version: after.version } };
}

function cas(place: Place, { expected, value }: Asked<'blobCas'>, context: WriteContext): Written | Failure {
  const large = tooLarge(value, context.limits, place.path);
  if (large !== null) return large;
  const blob = nodeAt(place, 'blob');
  if (blob instanceof Failure) return blob;
  if (!equalsStored(blob.value, expected)) return guardFailed(place.path, 'blobValue', { actual: blob.version });
  return putValue(place, blob, value, context);
}

export const blobRules: LeafRules<'blob'> = {
  lastTellsAll: true,
  refuseCreate: () => null,
  make,
  writes: {
    blobPut: {
      grows: true,
      refuse: ({ path, value, ifAbsent, ifVersion }, limits) => {
        const bad = badPath(path);
        if (bad !== null) return bad;
        if (ifAbsent && ifVersion !== null) return badArgument('ifVersion and ifAbsent exclude each other', { path });
        return tooLarge(value, limits, path);
      },
      apply: put,
    },
    blobCas: {
      grows: true,
      refuse: ({ path, value }, limits) => badPathOrValue(path, value, limits),
      apply: cas,
    },
  },
  upserts: {
    blobPut: {
      type: 'blob',
      refuse: ({ path, ifVersion, ifAbsent }) =>
        ifVersion === null && !ifAbsent
          ? null
          : badArgument('An upsert takes neither ifVersion nor ifAbsent', { path }),
      madeWith: ({ value }) => value,
    },
  },
  reads: {
    blobGet: {
      refuse: onlyPath,
      read: (root, { path }, budget) => {
        const blob = findTyped(root, path, 'blob');
        return blob instanceof Failure ? blob : valueResult(blob.value, blob.version, path, budget);
      },
    },
    blobSize: {
      refuse: onlyPath,
      read: (root, { path }) => {
        const blob = findTyped(root, path, 'blob');
        return blob instanceof Failure ? blob : { kind: 'number', number: blob.value.length, version: blob.version };
      },
    },
  },
  guards: {
    blobValue: (node, { value }) => node.type === 'blob' && equalsStored(node.value, value),
    blobSize: (node, { size }) => node.type === 'blob' && node.value.length === size,
  },
};
