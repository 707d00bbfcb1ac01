/** Commands for locks, semaphores, barriers and elections (coordination §4). */

import type { LeafFamily } from '../table.ts';
import { path } from './arguments.ts';

const permits = { name: 'N', kind: 'integer', min: 1, max: 1_000_000 } as const;

export const lockFamily: LeafFamily<'lock'> = { title: 'Locks', value: null, commands: {}, guards: {} };

export const semaphoreFamily: LeafFamily<'semaphore'> = {
  title: 'Semaphores',
  value: null,
  commands: {
    semaphoreCreate: [
      {
        words: ['semaphore', 'create'],
        family: 'semaphore',
        needs: 'namespace',
        arguments: [path, permits],
        flags: [],
        summary: 'Create a semaphore with N permits at PATH.',
        operation: (bound) => ({ kind: 'semaphoreCreate', path: bound.text('PATH'), capacity: bound.number('N') }),
      },
    ],
    semaphoreResize: [
      {
        words: ['semaphore', 'resize'],
        family: 'semaphore',
        needs: 'namespace',
        arguments: [path, permits],
        flags: [],
        summary: 'Change how many permits the semaphore at PATH has.',
        operation: (bound) => ({ kind: 'semaphoreResize', path: bound.text('PATH'), capacity: bound.number('N') }),
      },
    ],
  },
  guards: {},
};

export const barrierFamily: LeafFamily<'barrier'> = {
  title: 'Barriers',
  value: null,
  commands: {
    barrierSet: [
      {
        words: ['barrier', 'open'],
        family: 'barrier',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Open the barrier at PATH, so that all who wait at it pass.',
        operation: (bound) => ({ kind: 'barrierSet', path: bound.text('PATH'), open: true }),
      },
      {
        words: ['barrier', 'close'],
        family: 'barrier',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Close the barrier at PATH for those who come later.',
        operation: (bound) => ({ kind: 'barrierSet', path: bound.text('PATH'), open: false }),
      },
    ],
  },
  guards: {},
};

export const electionFamily: LeafFamily<'election'> = {
  title: 'Elections',
  value: null,
  commands: {
    leader: [
      {
        words: ['election', 'leader'],
        family: 'election',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Print who leads the election at PATH, and with which value.',
        operation: (bound) => ({ kind: 'leader', path: bound.text('PATH') }),
      },
    ],
    proclaim: [],
  },
  guards: {},
};
