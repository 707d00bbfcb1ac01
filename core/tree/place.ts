/** Finding a place in the tree by its path, and putting another node there. */

import { Failure, limitExceeded, mustBeDirectory, notFound, wrongType } from './failure.ts';
import type { TreeLimits } from './limits.ts';
import { DirectoryNode, ownName } from './node.ts';
import type { TreeNode } from './node.ts';
import { parsePath } from './path.ts';

/** Where a path leads, whether or not something is there. */
export interface Place {
  readonly path: string;
  readonly parts: readonly string[];
  /** The directories from the root down to the deepest that is there, the node itself not among them. */
  readonly above: readonly DirectoryNode[];
  readonly node: TreeNode | null;
}

/** @returns a failure for a malformed path, and for one that leads through a leaf. */
export function locate(root: DirectoryNode, path: string): Place | Failure {
  const parts = parsePath(path);
  if (parts instanceof Failure) return parts;
  const above: DirectoryNode[] = [];
  let node: TreeNode = root;
  for (const part of parts) {
    if (!(node instanceof DirectoryNode)) return mustBeDirectory(path);
    above.push(node);
    const child = node.children.get(part);
    if (child === undefined) return { path, parts, above, node: null };
    node = child;
  }
  return { path, parts, above, node };
}

/** The node at `path`, without the directories above it: what a read needs. */
export function find(root: DirectoryNode, path: string): TreeNode | Failure {
  const parts = parsePath(path);
  if (parts instanceof Failure) return parts;
  let node: TreeNode = root;
  for (const part of parts) {
    if (!(node instanceof DirectoryNode)) return mustBeDirectory(path);
    const child = node.children.get(part);
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

/** The node at a place if one of this type is there. */
export function nodeAt<T extends TreeNode['type']>(place: Place, type: T): Typed<T> | Failure {
  if (place.node === null) return notFound(place.path);
  return place.node.type === type ? (place.node as Typed<T>) : wrongType(place.path, type, place.node.type);
}

/** The root after `op` put `node` (null: nothing) in the place of what is there. The place is not the root. */
export function replace(place: Place, node: TreeNode | null, op: number): DirectoryNode {
  let before: TreeNode | null = place.node;
  let after: TreeNode | null = node;
  for (let i = place.above.length - 1; i >= 0; i--) {
    const directory = place.above[i]!;
    after = directory.withChild(before, after, op);
    before = directory;
  }
  return after as DirectoryNode;
}

/** The root after `op` made the node at an empty place, and with it the directories that are missing above it. */
export function attach(
  place: Place,
  make: (name: string) => TreeNode,
  op: number,
  limits: TreeLimits,
): DirectoryNode | Failure {
  const { parts, above } = place;
  const into = above[above.length - 1]!;
  if (into.children.size >= limits.maxChildren)
    return limitExceeded('maxChildren', limits.maxChildren, into.children.size + 1, { path: place.path });
  let node = make(ownName(parts[parts.length - 1]!));
  for (let i = parts.length - 2; i >= above.length - 1; i--) node = DirectoryNode.around(ownName(parts[i]!), op, node);
  return replace(place, node, op);
}
