/** Finds a place in the tree by its path, and puts another node there. */

import type { Op } from '../base/ids.ts';
import { Failure, limitExceeded, mustBeDirectory, notFound, wrongType } from './failure.ts';
import type { TreeLimits } from './limits.ts';
import { DirectoryNode } from './node.ts';
import type { TreeNode } from './node.ts';
import { ownName, treeBytes } from './nodes/head.ts';
import type { Growth, Owner } from './nodes/head.ts';
import { parsePath } from './path.ts';

/** Where a path leads, whether or not a node exists there. */
export interface Place {
  readonly path: string;
  readonly parts: readonly string[];
  /** The directories from the root down to the deepest that exists, without the node itself. */
  readonly above: readonly DirectoryNode[];
  readonly node: TreeNode | null;
}

/** @returns a failure for a malformed path, and for a path through a leaf. */
export function locate(root: DirectoryNode, path: string): Place | Failure {
  const parts = parsePath(path);
  if (parts instanceof Failure) return parts;
  const above: DirectoryNode[] = [];
  let node: TreeNode = root;
  for (const part of parts) {
    if (!(node instanceof DirectoryNode)) return mustBeDirectory(path);
    above.push(node);
    const child = node.child(part);
    if (child === undefined) return { path, parts, above, node: null };
    node = child;
  }
  return { path, parts, above, node };
}

/** The node at `path`, without the directories above it. A read needs no more. */
export function find(root: DirectoryNode, path: string): TreeNode | Failure {
  const parts = parsePath(path);
  if (parts instanceof Failure) return parts;
  let node: TreeNode = root;
  for (const part of parts) {
    if (!(node instanceof DirectoryNode)) return mustBeDirectory(path);
    const child = node.child(part);
    if (child === undefined) return notFound(path);
    node = child;
  }
  return node;
}

type Typed<T extends TreeNode['type']> = Extract<TreeNode, { readonly type: T }>;

/** The node at `path` if it has this type. */
export function findTyped<T extends TreeNode['type']>(root: DirectoryNode, path: string, type: T): Typed<T> | Failure {
  const node = find(root, path);
  if (node instanceof Failure) return node;
  return node.type === type ? (node as Typed<T>) : wrongType(path, type, node.type);
}

/** The node at a place if it exists and has this type. */
export function nodeAt<T extends TreeNode['type']>(place: Place, type: T): Typed<T> | Failure {
  if (place.node === null) return notFound(place.path);
  return place.node.type === type ? (place.node as Typed<T>) : wrongType(place.path, type, place.node.type);
}

/**
 * What a change needs: the op that it is marked with, its limits, and the owner of the nodes that it may change in
 * place.
 */
export interface ChangeContext {
  readonly op: Op;
  readonly limits: TreeLimits;
  readonly owner: Owner;
}

/** The place of the highest directory that goes together with the node, because a claim made it (coordination §4). */
export function emptiedBy(place: Place): Place {
  let top = place;
  while (top.above.length > 1) {
    const node = top.above[top.above.length - 1]!;
    if (!node.auto || node.count > 1) break;
    const parts = top.parts.slice(0, -1);
    top = { path: `/${parts.join('/')}`, parts, above: top.above.slice(0, -1), node };
  }
  return top;
}

/** How much replacing `before` with `after` adds to the sums of the directories above. */
export function growthOf(before: TreeNode | null, after: TreeNode | null): Growth {
  const plus = after === null ? 0 : treeBytes(after);
  const minus = before === null ? 0 : treeBytes(before);
  const nodes = (after === null ? 0 : 1 + after.nodes) - (before === null ? 0 : 1 + before.nodes);
  const held = (after?.held ?? 0) - (before?.held ?? 0);
  return { bytes: plus - minus, nodes, held, owned: (after?.owned ?? 0) - (before?.owned ?? 0) };
}

/**
 * Refuses growth beyond the limits, before anything is changed. A change that does not grow the tree is never refused.
 */
export function refuseGrowth(place: Place, growth: Growth, limits: TreeLimits): Failure | null {
  const root = place.above[0];
  if (root === undefined) return null;
  const { maxBytes, maxKeys } = limits;
  if (growth.bytes > 0 && root.bytes + growth.bytes > maxBytes)
    return limitExceeded('maxNamespaceBytes', maxBytes, root.bytes + growth.bytes, { path: place.path });
  if (growth.nodes > 0 && root.nodes + growth.nodes > maxKeys)
    return limitExceeded('maxNamespaceKeys', maxKeys, root.nodes + growth.nodes, { path: place.path });
  return null;
}

/**
 * The root after `node` replaced the node at `place`. Null removes it. The place is not the root, and `growth` was not
 * refused.
 */
export function replace(
  place: Place,
  node: TreeNode | null,
  growth: Growth,
  { op, owner }: ChangeContext,
  quiet = false,
  silent = false,
): DirectoryNode {
  const mark = { op, owner, quiet, silent };
  let before: TreeNode | null = place.node;
  let after: TreeNode | null = node;
  for (let i = place.above.length - 1; i >= 0; i--) {
    const directory = place.above[i]!;
    after = directory.withChild(before, after, growth, mark);
    before = directory;
  }
  return after as DirectoryNode;
}

/** The root after a node was made at an empty place, together with the missing directories above it. */
export function attach(
  place: Place,
  make: (name: string) => TreeNode,
  context: ChangeContext,
  auto = false,
): DirectoryNode | Failure {
  const { parts, above } = place;
  const { limits, op } = context;
  const into = above[above.length - 1]!;
  if (into.children.size >= limits.maxChildren)
    return limitExceeded('maxChildren', limits.maxChildren, into.children.size + 1, { path: place.path });
  let node = make(ownName(parts[parts.length - 1]!));
  for (let i = parts.length - 2; i >= above.length - 1; i--)
    node = DirectoryNode.around(ownName(parts[i]!), op, node, auto);
  const growth = growthOf(null, node);
  return refuseGrowth(place, growth, limits) ?? replace(place, node, growth, context);
}
