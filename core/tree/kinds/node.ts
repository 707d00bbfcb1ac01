/** The operations on any node, whatever its type. */

import { makeChange } from '../change.ts';
import { Failure, badArgument, notFound } from '../failure.ts';
import type { NodeType } from '../names.ts';
import { DirectoryNode, isLeafType } from '../node.ts';
import type { Asked, SimpleResult } from '../operation.ts';
import { isPartName } from '../path.ts';
import { find, locate, replace } from '../place.ts';
import type { Place } from '../place.ts';
import { growthOfBytes } from '../nodes/head.ts';
import { refuseDelete } from './claim-steps.ts';
import { isHeldWith } from './claims.ts';
import { drop, refuseMany } from './ends.ts';
import { isClaimType, makeLine } from './line.ts';
import { leafRules } from './leaves.ts';
import { children, keys, largest, oneStat } from './listing.ts';
import type { Rules, WriteContext, Written } from './rules.ts';
import { badPath, checkVersion, makeAt, occupied, onlyPath, tooLarge } from './steps.ts';

/** Why a node of this type cannot be created with this value, whatever the tree holds. */
export function refuseCreate(type: NodeType, value: Uint8Array | null): Failure | null {
  if (isLeafType(type)) return leafRules[type].refuseCreate(value);
  return value === null ? null : badArgument('A directory is created without a value', { type });
}

/** Makes a node at a place where no node may exist. */
export function create(
  place: Place,
  { type, value }: Pick<Asked<'create'>, 'type' | 'value'>,
  context: WriteContext,
): Written | Failure {
  const { op, limits } = context;
  const refused = refuseCreate(type, value) ?? tooLarge(value, limits, place.path);
  if (refused !== null) return refused;
  if (place.node !== null)
    return place.node instanceof DirectoryNode ? keep(place, type, context) : keepLine(place, type, context);
  return makeAt(
    place,
    (name) => (isLeafType(type) ? leafRules[type].make(name, op, value) : DirectoryNode.empty(name, op)),
    context,
  );
}

/** A line of claims that a claim made stays from now on, if it is created once more (coordination §4). */
function keepLine(place: Place, type: NodeType, context: WriteContext): Written | Failure {
  if (!isClaimType(type) || type === 'semaphore') return occupied(place.node!, place.path, context);
  return makeLine(place, type, { capacity: null, open: false, auto: false }, context);
}

/** And so does a directory that was made with it. */
function keep(place: Place, type: NodeType, context: WriteContext): Written | Failure {
  const { node } = place;
  if (!(node instanceof DirectoryNode) || !node.auto || type !== 'directory')
    return occupied(node!, place.path, context);
  const after = node.kept(context.op, context.owner);
  context.changes.push(makeChange(place.path, 'changed', after, null, null));
  return {
    root: replace(place, after, growthOfBytes(0), context),
    result: { kind: 'done', version: after.version },
  };
}

function remove(place: Place, operation: Asked<'delete'>, context: WriteContext): Written | Failure {
  const { node, path } = place;
  if (place.parts.length === 0) return new Failure('CannotDeleteRoot', 'Cannot delete root', { path });
  if (node === null) return notFound(path);
  const refused = checkVersion(node, path, operation.ifVersion);
  if (refused !== null) return refused;
  if (node instanceof DirectoryNode && node.count > 0 && !operation.recursive)
    return new Failure('DirectoryNotEmpty', `Directory is not empty: ${path}`, { path, children: node.count });
  const kept = refuseDelete(node, path) ?? refuseMany(node, path);
  if (kept !== null) return kept;
  return { root: drop(place, null, context), result: { kind: 'done', version: node.version } };
}

function exists(root: DirectoryNode, { path }: Asked<'exists'>): SimpleResult | Failure {
  const place = locate(root, path);
  // No node is beneath a leaf. That is an answer, not a mistake.
  if (place instanceof Failure && place.error.code !== 'PathMustBeDirectory') return place;
  const node = place instanceof Failure ? null : place.node;
  return { kind: 'truth', truth: node !== null, version: node === null ? null : node.version };
}

function badChildName(name: string | null, path: string): Failure | null {
  if (name === null || isPartName(name)) return null;
  return badArgument('A page continues after the name of a child', { path });
}

export const nodeRules: Rules<'node'> = {
  writes: {
    create: {
      grows: true,
      refuse: ({ path, type, value }, limits) =>
        badPath(path) ?? refuseCreate(type, value) ?? tooLarge(value, limits, path),
      apply: create,
    },
    delete: {
      grows: false,
      refuse: ({ path }) =>
        path === '/' ? new Failure('CannotDeleteRoot', 'Cannot delete root', { path: '/' }) : badPath(path),
      apply: remove,
    },
  },
  upserts: {},
  reads: {
    keys: {
      refuse: ({ path, after }) => badPath(path) ?? (after === null ? null : badPath(after)),
      read: keys,
    },
    children: { refuse: ({ path, after }) => badPath(path) ?? badChildName(after, path), read: children },
    stat: {
      refuse: onlyPath,
      read: (root, { path }, budget) => {
        const node = find(root, path);
        return node instanceof Failure ? node : oneStat(node, path, budget);
      },
    },
    exists: { refuse: onlyPath, read: exists },
    largest: { refuse: onlyPath, read: largest },
  },
  guards: {
    exists: () => true,
    absent: () => false,
    version: (node, { version }) => node.version === version,
    created: (node, { op }) => node.created === op,
    modified: (node, { op }) => node.modified === op,
    type: (node, { type }) => node.type === type,
    held: (node, { token }) => isHeldWith(node, token),
  },
};
