/** What simulated users do with a queue. */

import type { LeafUses } from './use.ts';

const path = '/queue';

export const queueUses: LeafUses<'queue'> = {
  made: path,
  watched: [path],
  writes: {
    queuePush: [({ unique }) => ({ kind: 'queuePush', path, value: unique })],
    queuePop: [() => ({ kind: 'queuePop', path })],
    // Workers take jobs, from queues of their own (worker.ts).
    queuePut: [],
    queueTake: [],
    queueAck: [],
    queueNack: [],
    queueExtend: [],
    queueProgress: [],
    queueConfigure: [],
    queueDead: [],
  },
  reads: {
    queueFront: [],
    queueBack: [],
    queueLength: [],
    queueList: [],
    queueJob: [],
    queueItems: [],
    queueInfo: [],
  },
};
