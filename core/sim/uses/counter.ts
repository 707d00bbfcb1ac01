/** What simulated users do with a counter. */

import type { LeafUses } from './use.ts';

const path = '/counter';

export const counterUses: LeafUses<'counter'> = {
  made: path,
  watched: [path],
  writes: { counterAdd: [() => ({ kind: 'counterAdd', path, by: 1 })] },
  reads: { counterGet: [() => ({ kind: 'counterGet', path })] },
};
