/** What simulated users do with a queue. */

import type { LeafUses } from './use.ts';

const path = '/queue';

export const queueUses: LeafUses = {
  emptyAt: path,
  watched: [path],
  writes: [({ unique }) => ({ kind: 'queuePush', path, value: unique }), () => ({ kind: 'queuePop', path })],
  reads: [],
};
