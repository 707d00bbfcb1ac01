/** Commands for queues. */

import { maxPage } from '../../tree/operation.ts';
import type { Asked } from '../../tree/operation.ts';
import type { Bound } from '../bind.ts';
import type { LeafFamily } from '../table.ts';
import { limit, path, showResult, value } from './arguments.ts';
import { jobCommands, popWaiting, waitFlag } from './jobs.ts';

const from = {
  long: 'from',
  argument: { name: 'POSITION', kind: 'integer' },
  about: 'begin at this position; 0 is the front',
} as const;

function popped(bound: Bound): Asked<'queuePop'> {
  return { kind: 'queuePop', path: bound.text('PATH') };
}

export const queueFamily: LeafFamily<'queue'> = {
  title: 'Queues',
  value: null,
  commands: {
    queuePush: [
      {
        words: ['queue', 'push'],
        family: 'queue',
        needs: 'namespace',
        arguments: [path, value],
        flags: [],
        summary: 'Put VALUE at the back of the queue at PATH.',
        operation: (bound) => ({ kind: 'queuePush', path: bound.text('PATH'), value: bound.bytes('VALUE') }),
      },
    ],
    queuePop: [
      {
        words: ['queue', 'pop'],
        family: 'queue',
        needs: 'namespace',
        arguments: [path],
        flags: [waitFlag],
        summary: 'Take the value at the front; an empty line when there is none.',
        operation: popped,
        run: async (bound, context) => {
          if (bound.has('wait')) return await popWaiting(bound, context);
          const { result, stamp } = await context.execute(popped(bound));
          return { ...showResult(result), stamp };
        },
      },
    ],
    queueFront: [
      {
        words: ['queue', 'front'],
        family: 'queue',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Print the value at the front and leave it there.',
        operation: (bound) => ({ kind: 'queueFront', path: bound.text('PATH') }),
      },
    ],
    queueBack: [
      {
        words: ['queue', 'back'],
        family: 'queue',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Print the value at the back and leave it there.',
        operation: (bound) => ({ kind: 'queueBack', path: bound.text('PATH') }),
      },
    ],
    queueLength: [
      {
        words: ['queue', 'len'],
        family: 'queue',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Print how many values the queue holds.',
        operation: (bound) => ({ kind: 'queueLength', path: bound.text('PATH') }),
      },
    ],
    queueList: [
      {
        words: ['queue', 'list'],
        family: 'queue',
        needs: 'namespace',
        arguments: [path],
        flags: [limit, from],
        summary: 'Print the values from the front on, a line each.',
        examples: ['queue list /jobs --limit 10'],
        operation: (bound) => ({
          kind: 'queueList',
          path: bound.text('PATH'),
          limit: bound.numberOr('limit', maxPage),
          from: bound.numberOr('from', 0),
        }),
        show: (result, bound) => {
          const shown = showResult(result);
          if (result.kind !== 'values' || !result.more) return shown;
          return { ...shown, more: `--from ${bound.numberOr('from', 0) + result.values.length}` };
        },
      },
    ],
    ...jobCommands,
  },
  guards: {},
};
