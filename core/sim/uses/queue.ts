/** What simulated users do with a queue. */

import type { LeafUses } from './use.ts';

const path = '/queue';

export const queueUses: LeafUses<'queue'> = {
  made: path,
  watched: [path],
  writes: {
    queuePush: [({ unique }) => ({ kind: 'queuePush', path, value: unique })],
    queuePop: [() => ({ kind: 'queuePop', path })],
  },
  reads: { queueFront: [], queueBack: [], queueLength: [], queueList: [] },
};
