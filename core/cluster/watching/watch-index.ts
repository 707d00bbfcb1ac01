/**
 * The watches of one namespace, indexed by path. A change finds the watches that it concerns by walking down its own
 * path, however many watches exist elsewhere.
 */

import { DirectoryNode } from '../../tree/node.ts';
import type { TreeNode } from '../../tree/node.ts';
import type { TreeChange } from '../../tree/change.ts';

export interface WatchScope {
  readonly path: string;
  readonly subtree: boolean;
  readonly values: boolean;
}

/** Watches of one scope. They are told the same, so it is encoded once for all of them. */
export class WatchGroup<Member> {
  readonly values: boolean;
  readonly members = new Set<Member>();

  constructor(values: boolean) {
    this.values = values;
  }
}

class IndexNode<Member> {
  readonly children = new Map<string, IndexNode<Member>>();
  /** By whether the scope includes everything beneath its path, and values: 0 neither, 1 values, 2 beneath, 3 both. */
  readonly groups: (WatchGroup<Member> | null)[] = [null, null, null, null];

  get empty(): boolean {
    return this.children.size === 0 && this.groups.every((group) => group === null);
  }
}

export class WatchIndex<Member> {
  readonly #root = new IndexNode<Member>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(scope: WatchScope, member: Member): void {
    let node = this.#root;
    for (const part of partsOf(scope.path)) {
      let child = node.children.get(part);
      if (child === undefined) {
        child = new IndexNode();
        node.children.set(part, child);
      }
      node = child;
    }
    const place = placeOf(scope);
    const group = (node.groups[place] ??= new WatchGroup(scope.values));
    if (group.members.has(member)) return;
    group.members.add(member);
    this.#size++;
  }

  /** Removes a member, and index nodes that are then empty. */
  remove(scope: WatchScope, member: Member): void {
    const parts = partsOf(scope.path);
    const way = [this.#root];
    for (const part of parts) {
      const child = way[way.length - 1]!.children.get(part);
      if (child === undefined) return;
      way.push(child);
    }
    const node = way[way.length - 1]!;
    const place = placeOf(scope);
    const group = node.groups[place];
    if (group?.members.delete(member) !== true) return;
    this.#size--;
    if (group.members.size === 0) node.groups[place] = null;
    for (let i = parts.length; i > 0 && way[i]!.empty; i--) way[i - 1]!.children.delete(parts[i - 1]!);
  }

  /** Calls `visit` once for each group that a change concerns. */
  match(change: TreeChange, visit: (group: WatchGroup<Member>) => void): void {
    let node = this.#root;
    visitBeneath(node, visit);
    for (const part of partsOf(change.path)) {
      const child = node.children.get(part);
      if (child === undefined) return;
      node = child;
      visitBeneath(node, visit);
    }
    visitExact(node, visit);
    if (change.removed !== null) visitRemoved(node, change.removed, visit);
  }

  *members(): Generator<Member, void> {
    const waiting = [this.#root];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      for (const group of node.groups) if (group !== null) yield* [...group.members];
      waiting.push(...node.children.values());
    }
  }
}

function partsOf(path: string): readonly string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}

function placeOf({ subtree, values }: WatchScope): number {
  return (subtree ? 2 : 0) + (values ? 1 : 0);
}

type Visit<Member> = (group: WatchGroup<Member>) => void;

function visitExact<Member>(node: IndexNode<Member>, visit: Visit<Member>): void {
  const [bare, valued] = node.groups;
  if (bare) visit(bare);
  if (valued) visit(valued);
}

function visitBeneath<Member>(node: IndexNode<Member>, visit: Visit<Member>): void {
  const [, , bare, valued] = node.groups;
  if (bare) visit(bare);
  if (valued) visit(valued);
}

/** Visits the watches of everything that was beneath a removed directory. */
function visitRemoved<Member>(node: IndexNode<Member>, removed: TreeNode, visit: Visit<Member>): void {
  if (!(removed instanceof DirectoryNode)) return;
  for (const [part, child] of node.children) {
    const gone = removed.children.get(part);
    if (gone === undefined) continue;
    visitExact(child, visit);
    visitBeneath(child, visit);
    visitRemoved(child, gone, visit);
  }
}
