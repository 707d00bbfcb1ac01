/** What simulated users do with a set. */

import type { LeafUses } from './use.ts';

const path = '/dir/set';

export const setUses: LeafUses = {
  emptyAt: path,
  watched: [path],
  writes: [({ unique }) => ({ kind: 'setInsert', path, member: unique })],
  reads: [() => ({ kind: 'setMembers', path, limit: 1000, after: null })],
};
