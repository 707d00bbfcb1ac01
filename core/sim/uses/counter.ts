/** What simulated users do with a counter. */

import type { LeafUses } from './use.ts';

const path = '/counter';

export const counterUses: LeafUses = {
  emptyAt: path,
  watched: [path],
  writes: [() => ({ kind: 'counterAdd', path, by: 1 })],
  reads: [() => ({ kind: 'counterGet', path })],
};
