/** The operations on a set. Reads of several sets are in `set-algebra.ts`. */

import { compareBytes } from '../../base/bytes.ts';
import { makeChange } from '../change.ts';
import { Failure, badArgument, limitExceeded } from '../failure.ts';
import type { ResultBudget } from '../limits.ts';
import type { DirectoryNode } from '../node.ts';
import { growthOfBytes, itemOverheadBytes } from '../nodes/head.ts';
import { SetNode, ownMember } from '../nodes/set.ts';
import type { Asked, SimpleResult } from '../operation.ts';
import { Page, pathOverheadBytes } from '../page.ts';
import { findTyped, nodeAt, refuseGrowth, replace } from '../place.ts';
import type { Place } from '../place.ts';
import type { LeafRules, WriteContext, Written } from './rules.ts';
import { compareSets, difference, intersection, symmetricDifference, union } from './set-algebra.ts';
import { badPath, badPathOrValue, badPaths, onlyPath, tooLarge } from './steps.ts';

function insertOrRemove(
  place: Place,
  { kind, member }: Asked<'setInsert' | 'setRemove'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const { op, limits, changes, owner } = context;
  const present = kind === 'setInsert';
  const set = nodeAt(place, 'set');
  if (set instanceof Failure) return set;
  const large = tooLarge(member, limits, place.path);
  if (large !== null) return large;
  if (set.members.has(member) === present)
    return { root, result: { kind: 'truth', truth: false, version: set.version } };
  if (present && set.count >= limits.maxChildren)
    return limitExceeded('maxChildren', limits.maxChildren, set.count + 1, { path: place.path });
  const bytes = member.length + itemOverheadBytes;
  const growth = growthOfBytes(present ? bytes : -bytes);
  const refused = refuseGrowth(place, growth, limits);
  if (refused !== null) return refused;
  const own = ownMember(member);
  const after = present ? set.inserted(own, op, owner) : set.removed(own, op, owner);
  changes.push(makeChange(place.path, present ? 'inserted' : 'removed', after, own, null));
  return {
    root: replace(place, after, growth, context),
    result: { kind: 'truth', truth: true, version: after.version },
  };
}

function members(root: DirectoryNode, asked: Asked<'setMembers'>, budget: ResultBudget): SimpleResult | Failure {
  const set = findTyped(root, asked.path, 'set');
  if (set instanceof Failure) return set;
  const page = new Page<Uint8Array>(asked.limit, budget);
  for (const member of set.members.keys(asked.after ?? undefined)) {
    if (asked.after !== null && compareBytes(member, asked.after) === 0) continue;
    if (!page.add(member, member.length + pathOverheadBytes)) break;
  }
  return page.failure ?? { kind: 'values', values: page.entries, more: page.more };
}

function badOperand({ path, other }: Asked<'setSubset' | 'setSuperset'>): Failure | null {
  return badPath(path) ?? (other.kind === 'path' ? badPath(other.path) : null);
}

export const setRules: LeafRules<'set'> = {
  lastTellsAll: false,
  refuseCreate: (value) => (value === null ? null : badArgument('A set is created without a value', { type: 'set' })),
  make: (name, op) => SetNode.empty(name, op),
  writes: {
    setInsert: {
      grows: true,
      refuse: ({ path, member }, limits) => badPathOrValue(path, member, limits),
      apply: insertOrRemove,
    },
    setRemove: {
      grows: false,
      refuse: ({ path, member }, limits) => badPathOrValue(path, member, limits),
      apply: insertOrRemove,
    },
  },
  upserts: {
    setInsert: { type: 'set', refuse: () => null, madeWith: () => null },
  },
  reads: {
    setContains: {
      refuse: onlyPath,
      read: (root, { path, member }) => {
        const set = findTyped(root, path, 'set');
        if (set instanceof Failure) return set;
        return { kind: 'truth', truth: set.members.has(member), version: set.version };
      },
    },
    setMembers: { refuse: onlyPath, read: members },
    setSize: {
      refuse: onlyPath,
      read: (root, { path }) => {
        const set = findTyped(root, path, 'set');
        return set instanceof Failure ? set : { kind: 'number', number: set.count, version: set.version };
      },
    },
    setUnion: { refuse: ({ paths }) => badPaths(paths), read: (root, { paths }, budget) => union(root, paths, budget) },
    setIntersection: {
      refuse: ({ paths }) => badPaths(paths),
      read: (root, { paths }, budget) => intersection(root, paths, budget),
    },
    setDifference: {
      refuse: ({ path, other }) => badPath(path) ?? badPath(other),
      read: (root, { path, other }, budget) => difference(root, path, other, budget),
    },
    setSymmetricDifference: {
      refuse: ({ path, other }) => badPath(path) ?? badPath(other),
      read: (root, { path, other }, budget) => symmetricDifference(root, path, other, budget),
    },
    setSubset: {
      refuse: badOperand,
      read: (root, { path, other }, budget) => compareSets(root, path, other, false, budget),
    },
    setSuperset: {
      refuse: badOperand,
      read: (root, { path, other }, budget) => compareSets(root, path, other, true, budget),
    },
  },
  guards: {
    setMember: (node, { member }) => node.type === 'set' && node.members.has(member),
  },
};
