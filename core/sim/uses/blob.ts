/** What simulated users do with blobs. */

import type { LeafUses, Use } from './use.ts';

export const blobPaths = ['/a', '/dir/b', '/dir/sub/c'];

export const put = (({ blobPath, unique }) => ({
  kind: 'blobPut',
  path: blobPath,
  value: unique,
  ifVersion: null,
  ifAbsent: false,
})) satisfies Use;
const get: Use = ({ blobPath }) => ({ kind: 'blobGet', path: blobPath });

export const blobUses: LeafUses = {
  emptyAt: null,
  watched: ['/a', '/dir/sub/c'],
  writes: [put, put],
  reads: [get, get, get],
};
