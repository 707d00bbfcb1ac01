/** What simulated users do with a maximum. */

import type { LeafUses } from './use.ts';

const path = '/max';

export const maxUses: LeafUses<'max'> = {
  made: path,
  watched: [path],
  writes: { maxRaise: [({ random }) => ({ kind: 'maxRaise', path, to: random.below(1000) })] },
  reads: { maxGet: [() => ({ kind: 'maxGet', path })] },
};
