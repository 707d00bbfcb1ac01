/**
 * Reads that list nodes: paths and children in pages, and the largest leaves. A page ends at its limit or where the
 * answer is full.
 */

import { Failure, badArgument, limitExceeded, mustBeDirectory, tooMuchWork } from '../failure.ts';
import { maxSteps, stepsOfNext } from '../limits.ts';
import type { ResultBudget } from '../limits.ts';
import { DirectoryNode, ownBytes } from '../node.ts';
import type { TreeNode } from '../node.ts';
import { ClaimsNode } from '../nodes/claims.ts';
import { treeBytes } from '../nodes/head.ts';
import type { Asked, Child, SimpleResult, Stat } from '../operation.ts';
import { Page, pathOverheadBytes } from '../page.ts';
import { childPath, parsePath } from '../path.ts';
import { find } from '../place.ts';

/** Bytes that a child needs in an answer besides its name. */
const childOverheadBytes = 48;

/**
 * Adds the paths at and beneath `node`, depth first. `after` is the path after which the list continues. Its parts from
 * `depth` on matter here. No node need exist at that path any more.
 */
function walk(
  node: TreeNode,
  path: string,
  after: readonly string[] | null,
  depth: number,
  page: Page<string>,
): boolean {
  if (after === null && !page.add(path, path.length + pathOverheadBytes)) return false;
  if (!(node instanceof DirectoryNode)) return true;
  const from = after?.[depth];
  for (const child of node.children.values(from)) {
    const rest = child.name === from ? after : null;
    if (!walk(child, childPath(path, child.name), rest, depth + 1, page)) return false;
  }
  return true;
}

export function keys(root: DirectoryNode, asked: Asked<'keys'>, budget: ResultBudget): SimpleResult | Failure {
  const node = find(root, asked.path);
  if (node instanceof Failure) return node;
  const base = parsePath(asked.path) as readonly string[];
  const after = asked.after === null ? null : parsePath(asked.after);
  if (after instanceof Failure) return after;
  if (after !== null && !base.every((part, index) => after[index] === part))
    return badArgument('A page continues after a path at or beneath the one that is listed', { path: asked.path });
  const page = new Page<string>(asked.limit, budget);
  walk(node, asked.path, after, base.length, page);
  return page.failure ?? { kind: 'paths', paths: page.entries, more: page.more };
}

export function children(root: DirectoryNode, asked: Asked<'children'>, budget: ResultBudget): SimpleResult | Failure {
  const node = find(root, asked.path);
  if (node instanceof Failure) return node;
  if (!(node instanceof DirectoryNode)) return mustBeDirectory(asked.path);
  const page = new Page<Child>(asked.limit, budget);
  for (const child of node.children.values(asked.after ?? undefined)) {
    const { name, type, version, count } = child;
    if (name === asked.after) continue;
    const entry = { name, type, version, count, bytes: ownBytes(child), ...lifeOf(child) };
    if (!page.add(entry, name.length + childOverheadBytes)) break;
  }
  return page.failure ?? { kind: 'children', children: page.entries, more: page.more, version: node.version };
}

function lifeOf({ life }: TreeNode): Pick<Stat, 'owner' | 'ttlMs'> {
  if (life === null) return { owner: null, ttlMs: null };
  const { owner, ttlMs } = life;
  return { owner: owner === 0 ? null : owner, ttlMs: ttlMs === 0 ? null : ttlMs };
}

function isAuto(node: TreeNode): boolean {
  return node instanceof DirectoryNode ? node.auto : node instanceof ClaimsNode && node.settings.auto;
}

function statOf(node: TreeNode, path: string): Stat {
  return {
    path,
    type: node.type,
    version: node.version,
    created: node.created,
    modified: node.modified,
    count: node.count,
    bytes: ownBytes(node),
    subtreeBytes: treeBytes(node),
    subtreeNodes: 1 + node.nodes,
    ...lifeOf(node),
    auto: isAuto(node),
  };
}

/** Bytes that a stat needs in an answer besides its path. */
const statOverheadBytes = 88;

function fits(stats: readonly Stat[], budget: ResultBudget): Failure | null {
  for (const stat of stats) {
    const bytes = stat.path.length + statOverheadBytes;
    if (!budget.take(bytes)) return limitExceeded('maxResultBytes', budget.maxBytes, budget.with(bytes));
  }
  return null;
}

export function oneStat(node: TreeNode, path: string, budget: ResultBudget): SimpleResult | Failure {
  const stat = statOf(node, path);
  return fits([stat], budget) ?? { kind: 'stat', stat };
}

/** The largest leaves so far, largest first. Of equal ones, the leaf that is listed first comes first. */
class Largest {
  readonly stats: Stat[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when a leaf of at most this many bytes no longer gets a place. */
  takes(bytes: number): boolean {
    return this.stats.length < this.#limit || bytes > this.stats[this.stats.length - 1]!.bytes;
  }

  add(stat: Stat): void {
    let at = this.stats.length;
    while (at > 0 && this.stats[at - 1]!.bytes < stat.bytes) at--;
    this.stats.splice(at, 0, stat);
    if (this.stats.length > this.#limit) this.stats.pop();
  }
}

/** Looks beneath a directory only while its total size could hold a leaf larger than the smallest one found. */
function gather(directory: DirectoryNode, path: string, found: Largest, budget: ResultBudget): Failure | null {
  for (const child of directory.children.values()) {
    if (!budget.work(stepsOfNext)) return tooMuchWork(maxSteps);
    if (!found.takes(treeBytes(child))) continue;
    const where = childPath(path, child.name);
    if (child instanceof DirectoryNode) {
      const failure = gather(child, where, found, budget);
      if (failure !== null) return failure;
    } else {
      found.add(statOf(child, where));
    }
  }
  return null;
}

export function largest(root: DirectoryNode, asked: Asked<'largest'>, budget: ResultBudget): SimpleResult | Failure {
  const node = find(root, asked.path);
  if (node instanceof Failure) return node;
  const found = new Largest(asked.limit);
  if (node instanceof DirectoryNode) {
    const failure = gather(node, asked.path, found, budget);
    if (failure !== null) return failure;
  } else {
    found.add(statOf(node, asked.path));
  }
  return fits(found.stats, budget) ?? { kind: 'stats', stats: found.stats };
}
