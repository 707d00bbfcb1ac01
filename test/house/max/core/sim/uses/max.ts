/** What simulated users do with a maximum. */

import type { LeafUses } from './use.ts';

const path = '/max';

export const maxUses: LeafUses = {
  emptyAt: path,
  watched: [path],
  writes: [({ random }) => ({ kind: 'maxRaise', path, to: random.below(1000) })],
  reads: [() => ({ kind: 'maxGet', path })],
};
