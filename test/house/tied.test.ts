/**
 * The checker of histories must not believe haret's code, so `test/history/format.ts` says a second time what the tree
 * has. Here the compiler compares the two. What one lacks does not compile. It does not know claims yet.
 */

import { expect, it } from 'vitest';
import type { ReadKind, Upsertable, WriteKind } from '../../core/tree/operation.ts';
import type { ClaimKind, DataType, LifeKind } from '../tree/data.ts';
import type * as history from '../history/format.ts';

type Simple = history.SimpleOperation['kind'];

/** Reads of which no history can be checked. Users of the simulator must not ask them. */
type Unchecked =
  | 'children'
  | 'largest'
  | 'queueList'
  | 'setUnion'
  | 'setIntersection'
  | 'setDifference'
  | 'setSymmetricDifference'
  | 'setSubset'
  | 'setSuperset';

/** The types of leaves that the checker does not know: none. */
const unknownLeaves: { readonly [T in Exclude<DataType, history.LeafType>]: never } = {};
/** The writes that it does not know: none. */
const unknownWrites: {
  readonly [K in Exclude<WriteKind, history.SimpleWrite['kind'] | ClaimKind | LifeKind>]: never;
} = {};
/** The upserts that it does not know: none. */
const unknownUpserts: { readonly [K in Exclude<Upsertable['kind'], history.Upsertable['kind'] | ClaimKind>]: never } =
  {};
/** The reads that it should know and does not: none. */
const unknownReads: { readonly [K in Exclude<ReadKind, history.SimpleRead['kind'] | Unchecked | ClaimKind>]: never } =
  {};
/** What it knows and the tree does not have: nothing. */
const unknownToTree: { readonly [K in Exclude<Simple, WriteKind | ReadKind>]: never } = {};

it('the checker of histories knows what the tree knows', () => {
  for (const missing of [unknownLeaves, unknownWrites, unknownUpserts, unknownReads, unknownToTree])
    expect(missing).toEqual({});
});
