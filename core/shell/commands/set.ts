/** Commands for sets: members, and operations on two or more sets. */

import { maxPage } from '../../tree/operation.ts';
import type { SetOperand } from '../../tree/operation.ts';
import type { Bound } from '../bind.ts';
import { UsageError } from '../status.ts';
import type { FlagSpec, LeafFamily } from '../table.ts';
import { limit, member, path, value } from './arguments.ts';

const otherPath = { name: 'OTHER', kind: 'path' } as const;
const givenMembers: FlagSpec = {
  long: 'member',
  argument: { name: 'VALUE', kind: 'value' },
  repeated: true,
  about: 'a member of the other set, which is given here instead of OTHER',
};

/** The other set of a comparison: a set at a path, or members that are given. */
function operand(bound: Bound): SetOperand {
  if (bound.has('OTHER') === bound.has('member'))
    throw new UsageError('give either OTHER or --member, and one of them');
  return bound.has('OTHER')
    ? { kind: 'path', path: bound.text('OTHER') }
    : { kind: 'members', members: bound.allBytes('member') };
}

export const setFamily: LeafFamily<'set'> = {
  title: 'Sets',
  value: null,
  commands: {
    setInsert: [
      {
        words: ['set', 'insert'],
        family: 'set',
        needs: 'namespace',
        arguments: [path, member],
        flags: [],
        summary: 'Add a member; false when it was in the set already.',
        operation: (bound) => ({ kind: 'setInsert', path: bound.text('PATH'), member: bound.bytes('VALUE') }),
      },
    ],
    setRemove: [
      {
        words: ['set', 'remove'],
        family: 'set',
        needs: 'namespace',
        arguments: [path, member],
        flags: [],
        summary: 'Remove a member; false when it was not in the set.',
        operation: (bound) => ({ kind: 'setRemove', path: bound.text('PATH'), member: bound.bytes('VALUE') }),
      },
    ],
    setContains: [
      {
        words: ['set', 'contains'],
        family: 'set',
        needs: 'namespace',
        arguments: [path, member],
        flags: [],
        summary: 'Tell whether VALUE is a member.',
        operation: (bound) => ({ kind: 'setContains', path: bound.text('PATH'), member: bound.bytes('VALUE') }),
      },
    ],
    setMembers: [
      {
        words: ['set', 'members'],
        family: 'set',
        needs: 'namespace',
        arguments: [path],
        flags: [
          limit,
          { long: 'after', argument: { name: 'VALUE', kind: 'value' }, about: 'continue after this member' },
        ],
        summary: 'Print the members in order, a line each.',
        operation: (bound) => ({
          kind: 'setMembers',
          path: bound.text('PATH'),
          limit: bound.numberOr('limit', maxPage),
          after: bound.bytesOr('after', null),
        }),
      },
    ],
    setSize: [
      {
        words: ['set', 'size'],
        family: 'set',
        needs: 'namespace',
        arguments: [path],
        flags: [],
        summary: 'Print how many members the set has.',
        operation: (bound) => ({ kind: 'setSize', path: bound.text('PATH') }),
      },
    ],
    setUnion: [
      {
        words: ['set', 'union'],
        family: 'set',
        needs: 'namespace',
        arguments: [{ ...path, repeated: true }],
        flags: [],
        summary: 'Print the members of any of the sets.',
        examples: ['set union /a /b /c'],
        operation: (bound) => ({ kind: 'setUnion', paths: bound.texts('PATH') }),
      },
    ],
    setIntersection: [
      {
        words: ['set', 'intersection'],
        family: 'set',
        needs: 'namespace',
        arguments: [path, { ...otherPath, repeated: true }],
        flags: [],
        summary: 'Print the members of all of the sets.',
        operation: (bound) => ({ kind: 'setIntersection', paths: [bound.text('PATH'), ...bound.texts('OTHER')] }),
      },
    ],
    setDifference: [
      {
        words: ['set', 'difference'],
        family: 'set',
        needs: 'namespace',
        arguments: [path, otherPath],
        flags: [],
        summary: 'Print the members of PATH that are not in OTHER.',
        operation: (bound) => ({ kind: 'setDifference', path: bound.text('PATH'), other: bound.text('OTHER') }),
      },
    ],
    setSymmetricDifference: [
      {
        words: ['set', 'symmetric-difference'],
        family: 'set',
        needs: 'namespace',
        arguments: [path, otherPath],
        flags: [],
        summary: 'Print the members of one of the two sets but not of both.',
        operation: (bound) => ({
          kind: 'setSymmetricDifference',
          path: bound.text('PATH'),
          other: bound.text('OTHER'),
        }),
      },
    ],
    setSubset: [
      {
        words: ['set', 'subset'],
        family: 'set',
        needs: 'namespace',
        arguments: [path, { ...otherPath, optional: true }],
        flags: [givenMembers],
        summary: 'Tell whether every member of PATH is in OTHER, or among the given members.',
        examples: ['set subset /a /b', 'set subset /a --member x --member y'],
        operation: (bound) => ({ kind: 'setSubset', path: bound.text('PATH'), other: operand(bound) }),
      },
    ],
    setSuperset: [
      {
        words: ['set', 'superset'],
        family: 'set',
        needs: 'namespace',
        arguments: [path, { ...otherPath, optional: true }],
        flags: [givenMembers],
        summary: 'Tell whether PATH has every member of OTHER, or every given member.',
        operation: (bound) => ({ kind: 'setSuperset', path: bound.text('PATH'), other: operand(bound) }),
      },
    ],
  },
  guards: {
    setMember: {
      word: 'member',
      arguments: [path, value],
      about: 'VALUE is a member of a set',
      guard: (bound) => ({ kind: 'setMember', path: bound.text('PATH'), member: bound.bytes('VALUE') }),
    },
  },
};
