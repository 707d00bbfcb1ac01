/** The operations on any node, whatever its type. */

import { deletedChange } from '../change.ts';
import { Failure, alreadyExists, badArgument, notFound } from '../failure.ts';
import type { NodeType } from '../names.ts';
import { DirectoryNode, isLeafType } from '../node.ts';
import type { Asked, SimpleResult } from '../operation.ts';
import { isPartName } from '../path.ts';
import { find, growthOf, locate, replace } from '../place.ts';
import type { Place } from '../place.ts';
import { leafRules } from './leaves.ts';
import { children, keys, largest, oneStat } from './listing.ts';
import type { Rules, WriteContext, Written } from './rules.ts';
import { badPath, checkVersion, makeAt, onlyPath, tooLarge } from './steps.ts';

/** Why a node of this type cannot be created with this value, whatever the tree holds. */
function refuseCreate(type: NodeType, value: Uint8Array | null): Failure | null {
  if (isLeafType(type)) return leafRules[type].refuseCreate(value);
  if (type === 'directory')
    return value === null ? null : badArgument('A directory is created without a value', { type });
  return new Failure('UnknownOperation', `Unknown operation: the feature level of this cluster has no ${type} yet`, {
    operation: 'create',
    type,
  });
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
  if (place.node !== null) return alreadyExists(place.path);
  return makeAt(
    place,
    (name) => (isLeafType(type) ? leafRules[type].make(name, op, value) : DirectoryNode.empty(name, op)),
    context,
  );
}

function remove(place: Place, operation: Asked<'delete'>, context: WriteContext): Written | Failure {
  const { node, path } = place;
  if (place.parts.length === 0) return new Failure('CannotDeleteRoot', 'Cannot delete root', { path });
  if (node === null) return notFound(path);
  const refused = checkVersion(node, path, operation.ifVersion);
  if (refused !== null) return refused;
  if (node instanceof DirectoryNode && node.count > 0 && !operation.recursive)
    return new Failure('DirectoryNotEmpty', `Directory is not empty: ${path}`, { path, children: node.count });
  context.changes.push(deletedChange(path, node));
  const growth = growthOf(node, null);
  return { root: replace(place, null, growth, context), result: { kind: 'done', version: node.version } };
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
    // No lock can be made at this feature level, so none is held.
    held: () => false,
  },
};
