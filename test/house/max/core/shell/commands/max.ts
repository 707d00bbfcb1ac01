/** Commands for maxima. */

import type { LeafFamily } from '../table.ts';
import { number, path } from './arguments.ts';

export const maxFamily: LeafFamily<'max'> = {
  title: 'Maxima',
  value: null,
  commands: {
    maxRaise: [
      {
        words: ['max', 'raise'],
        family: 'max',
        needs: 'namespace',
        arguments: [path, number],
        flags: [],
        summary: 'Raise the number at PATH to N, and print what it is then.',
        operation: (bound) => ({ kind: 'maxRaise', path: bound.text('PATH'), to: bound.number('N') }),
      },
    ],
    maxGet: [
      {
        words: ['max', 'get'],
        family: 'max',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Print the number at PATH.',
        operation: (bound) => ({ kind: 'maxGet', path: bound.text('PATH') }),
      },
    ],
  },
  guards: {},
};
