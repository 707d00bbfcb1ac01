/** Commands for counters. */

import type { LeafFamily } from '../table.ts';
import { path } from './arguments.ts';

const amount = { name: 'N', kind: 'integer', optional: true, min: -Number.MAX_SAFE_INTEGER } as const;

export const counterFamily: LeafFamily<'counter'> = {
  title: 'Counters',
  value: { of: 'of a counter as a number', plural: 'counters' },
  commands: {
    counterGet: [
      {
        words: ['counter', 'get'],
        family: 'counter',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Print the number of the counter at PATH.',
        operation: (bound) => ({ kind: 'counterGet', path: bound.text('PATH') }),
      },
    ],
    counterAdd: [
      {
        words: ['counter', 'incr'],
        family: 'counter',
        needs: 'namespace',
        arguments: [path, amount],
        flags: [],
        summary: 'Add N, or 1, and print the sum.',
        operation: (bound) => ({ kind: 'counterAdd', path: bound.text('PATH'), by: bound.numberOr('N', 1) }),
      },
      {
        words: ['counter', 'decr'],
        family: 'counter',
        needs: 'namespace',
        arguments: [path, amount],
        flags: [],
        summary: 'Subtract N, or 1, and print the difference.',
        // 0 - n instead of -n, because -n of 0 is -0.
        operation: (bound) => ({ kind: 'counterAdd', path: bound.text('PATH'), by: 0 - bound.numberOr('N', 1) }),
      },
    ],
  },
  guards: {},
};
