/** How long a node lives, as it is typed and shown (coordination §9). */

import type { Asked, Child, OperationResult } from '../../tree/operation.ts';
import { maxTtlMs, minTtlMs } from '../../tree/operations/lives.ts';
import type { Bound } from '../bind.ts';
import { durationText } from '../duration.ts';
import { success } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { CommandSpec, FlagSpec, GuardSpecs } from '../table.ts';
import { number, path, showWithoutVersion } from './arguments.ts';

export const lifeFlags: readonly FlagSpec[] = [
  { long: 'ephemeral', about: 'it ends with the session of this shell' },
  { long: 'sequential', about: 'its name gets the number of its entry in the log, and is printed' },
  { long: 'adopt', about: 'take an ephemeral that this very session has there already; a blob gets the value' },
  {
    long: 'ttl',
    argument: { name: 'D', kind: 'duration', min: minTtlMs, max: maxTtlMs },
    about: 'it is deleted so long after its last change: 30s, 2h, 7d',
  },
  {
    long: 'lease',
    argument: { name: 'D', kind: 'duration' },
    about: 'with --ephemeral: the lease of this shell, 10s unless given; it is set once',
  },
];

export const lifeDetails: readonly string[] = [
  'An ephemeral is deleted when this shell ends, leaves the namespace, or gives no sign of life for its lease.',
];

export const lifeExamples: readonly string[] = [
  'create blob /workers/w --ephemeral --value here',
  'create blob /jobs/job- --sequential',
  'create directory /cache --ttl 1h',
];

export function hasLife(bound: Bound): boolean {
  return lifeFlags.some(({ long }) => bound.has(long));
}

export function createWith(plain: Pick<Asked<'create'>, 'path' | 'type' | 'value'>, bound: Bound): Asked<'createWith'> {
  return {
    kind: 'createWith',
    ...plain,
    capacity: null,
    ephemeral: bound.has('ephemeral'),
    sequential: bound.has('sequential'),
    adopt: bound.has('adopt'),
    auto: false,
    ttlMs: bound.numberOr('ttl', null),
    leaseMs: bound.numberOr('lease', null),
  };
}

/** The path of a sequential node is what one wants to know. */
export function showCreated(result: OperationResult, bound: Bound): Outcome {
  if (result.kind !== 'created' || bound.has('sequential')) return showWithoutVersion(result);
  return { ...success({ kind: 'ok' }, { version: result.version }), showVersion: false };
}

/** What a long list says of a child that does not live until it is deleted. */
export function markOf({ owner, ttlMs }: Child): string {
  const marks = [owner === null ? '' : `session ${owner}`, ttlMs === null ? '' : `ttl ${durationText(ttlMs)}`];
  return marks.filter((mark) => mark !== '').join(', ');
}

export const touchCommand: CommandSpec = {
  words: ['touch'],
  family: 'tree',
  needs: 'namespace',
  arguments: [path],
  flags: [],
  summary: 'Begin the time to live of the node at PATH anew, and change nothing else.',
  operation: (bound) => ({ kind: 'touch', path: bound.text('PATH') }),
  show: showWithoutVersion,
};

export const lifeGuards: GuardSpecs<'lives'> = {
  owner: {
    word: 'owner',
    arguments: [path, { name: 'session', kind: 'literal' }, number],
    about: 'the node is an ephemeral of this session',
    guard: (bound) => ({ kind: 'owner', path: bound.text('PATH'), session: bound.number('N') }),
  },
};
