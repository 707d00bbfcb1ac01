/** What simulated users do with blobs. */

import type { LeafUses, Use } from './use.ts';

export const blobPaths = ['/a', '/dir/b', '/dir/sub/c'];

export const createBlob = (({ blobPath, unique }) => ({
  kind: 'create',
  path: blobPath,
  type: 'blob',
  value: unique,
})) satisfies Use;

export const put = (({ blobPath, unique }) => ({
  kind: 'blobPut',
  path: blobPath,
  value: unique,
  ifVersion: null,
  ifAbsent: false,
})) satisfies Use;
const get = (({ blobPath }) => ({ kind: 'blobGet', path: blobPath })) satisfies Use;

export const blobUses: LeafUses<'blob'> = {
  made: createBlob,
  watched: ['/a', '/dir/sub/c'],
  writes: { blobPut: [put, put], blobCas: [] },
  reads: { blobGet: [get, get, get], blobSize: [] },
};
