/** What simulated users do with a set. */

import type { LeafUses } from './use.ts';

const path = '/dir/set';

export const setUses: LeafUses<'set'> = {
  made: path,
  watched: [path],
  writes: {
    setInsert: [({ unique }) => ({ kind: 'setInsert', path, member: unique })],
    setRemove: [],
  },
  reads: {
    setMembers: [() => ({ kind: 'setMembers', path, limit: 1000, after: null })],
    setContains: [],
    setSize: [],
    setUnion: [],
    setIntersection: [],
    setDifference: [],
    setSymmetricDifference: [],
    setSubset: [],
    setSuperset: [],
  },
};
