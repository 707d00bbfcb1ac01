/** Finds a place in the tree by its path, and puts another node there. */

import type { Op } from '../base/ids.ts';
import type { Acting, Consequence, TreeDeadline } from './acting.ts';
import { Failure, limitExceeded, mustBeDirectory, notFound, wrongType } from './failure.ts';
import type { TreeLimits } from './limits.ts';
import { DirectoryNode } from './node.ts';
import type { TreeNode } from './node.ts';
import { growthOfBytes, ownName, treeBytes } from './nodes/head.ts';
import type { Growth, Owner } from './nodes/head.ts';
import type { Mark } from './nodes/directory.ts';
import { dueOf, isLapsed } from './nodes/life.ts';
import type { Life } from './nodes/life.ts';
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
  /** For whom it is made, and when. */
  readonly acting: Acting;
  /** What follows outside of the tree. A caller that discards the result discards it too. */
  readonly consequences: Consequence[];
  /** Paths whose time to live was over before this entry changed them. Something beneath them kept them. */
  readonly overdue: Set<string>;
}

function pathOf(parts: readonly string[], depth: number): string {
  return `/${parts.slice(0, depth).join('/')}`;
}

/** True for a node that was due before this entry, and goes with the last that kept it (coordination §9). */
export function isOverdue(node: TreeNode, path: string, { acting, overdue }: ChangeContext): boolean {
  return isLapsed(node, acting.now) || overdue.has(path);
}

/**
 * The place of the highest directory that goes together with the node: a claim made it (coordination §4), or its time to
 * live is over and only the node kept it (coordination §9).
 */
export function emptiedBy(place: Place, context: ChangeContext): Place {
  let top = place;
  while (top.above.length > 1) {
    const node = top.above[top.above.length - 1]!;
    const parts = top.parts.slice(0, -1);
    const path = pathOf(parts, parts.length);
    if (node.count > 1 || !(node.auto || isOverdue(node, path, context))) break;
    top = { path, parts, above: top.above.slice(0, -1), node };
  }
  return top;
}

/** When the time to live of a node ends that has one. */
export function ttlOf(node: TreeNode, path: string, life: Life): TreeDeadline {
  return { kind: 'ttl', path, id: node.created, at: dueOf(life) };
}

/** Only such a node goes when its time to live is over. Others go with the last that keeps them (coordination §9). */
export function isUnkept(node: TreeNode): boolean {
  return node instanceof DirectoryNode ? node.count === 0 : node.owned === 0;
}

/** Says when a node is due from now on. One that something keeps has no deadline. */
export function tellTtl(node: TreeNode, path: string, { consequences }: ChangeContext): void {
  const { life } = node;
  if (life === null || life.ttlMs === 0) return;
  consequences.push({ kind: isUnkept(node) ? 'due' : 'notDue', deadline: ttlOf(node, path, life) });
}

/**
 * A node was changed, or something beneath it. Its time to live begins anew.
 * @param kept whether something kept it before the change, although it was due.
 */
function renew(node: TreeNode, path: string, kept: boolean, context: ChangeContext): void {
  const { life } = node;
  if (life === null || life.ttlMs === 0) return;
  const { now } = context.acting;
  if (kept && isLapsed(node, now)) context.overdue.add(path);
  // Whoever replaces a node owns what it puts there.
  node.life = { ...life, since: now };
  tellTtl(node, path, context);
}

/** How much replacing `before` with `after` adds to the sums of the directories above. */
export function growthOf(before: TreeNode | null, after: TreeNode | null): Growth {
  const plus = after === null ? 0 : treeBytes(after);
  const minus = before === null ? 0 : treeBytes(before);
  const nodes = (after === null ? 0 : 1 + after.nodes) - (before === null ? 0 : 1 + before.nodes);
  const held = (after?.held ?? 0) - (before?.held ?? 0);
  const owned = (after?.owned ?? 0) - (before?.owned ?? 0);
  return { bytes: plus - minus, nodes, held, owned, lives: (after?.lives ?? 0) - (before?.lives ?? 0) };
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
  context: ChangeContext,
  how: Mark['as'] = 'change',
): DirectoryNode {
  if (node !== null && node.life !== null && how !== 'still') {
    const kept = node instanceof DirectoryNode ? node.count > 0 : node.owned > growth.owned;
    renew(node, place.path, kept, context);
  }
  const { op, owner } = context;
  return climb(place, node, growth, { op, owner, as: how }, context);
}

/** The root after a node got another life, which changes nothing else (coordination §9). */
export function withLife(place: Place, life: Life, context: ChangeContext): DirectoryNode {
  const { op, owner } = context;
  const node = place.node!;
  const { name, version, created, modified } = node;
  const after = node.copied({ name, version, created, modified, life }, owner);
  if (node.life !== null) context.consequences.push({ kind: 'notDue', deadline: ttlOf(node, place.path, node.life) });
  tellTtl(after, place.path, context);
  const growth = { ...growthOfBytes(0), lives: after.lives - node.lives };
  return climb(place, after, growth, { op, owner, as: 'still' }, context);
}

function climb(place: Place, node: TreeNode | null, growth: Growth, mark: Mark, context: ChangeContext): DirectoryNode {
  let before: TreeNode | null = place.node;
  let after: TreeNode | null = node;
  for (let i = place.above.length - 1; i >= 0; i--) {
    const directory: DirectoryNode = place.above[i]!;
    const more = (after === null ? 0 : 1) - (before === null ? 0 : 1);
    after = directory.withChild(before, after, growth, mark);
    if (after.life !== null && mark.as !== 'still') renew(after, pathOf(place.parts, i), after.count > more, context);
    before = directory;
  }
  return (after ?? node) as DirectoryNode;
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
