/** Parts that the rules of several kinds share: checks, and making a node. */

import type { TreeChange } from '../change.ts';
import { createdChange } from '../change.ts';
import { Failure, alreadyExists, guardFailed, limitExceeded } from '../failure.ts';
import type { ResultBudget } from '../limits.ts';
import type { TreeNode } from '../node.ts';
import { dueOf } from '../nodes/life.ts';
import type { SimpleResult } from '../operation.ts';
import { defaultLeaseMs } from '../operations/claims.ts';
import { parsePath } from '../path.ts';
import { attach } from '../place.ts';
import type { Place } from '../place.ts';
import { load } from '../stored.ts';
import type { Stored } from '../stored.ts';
import type { ValidationLimits, WriteContext, Written } from './rules.ts';

export function badPath(path: string): Failure | null {
  const parts = parsePath(path);
  return parts instanceof Failure ? parts : null;
}

/** For operations in which only the path can be wrong. */
export function onlyPath({ path }: { readonly path: string }): Failure | null {
  return badPath(path);
}

export function badPaths(paths: readonly string[]): Failure | null {
  for (const path of paths) {
    const refused = badPath(path);
    if (refused !== null) return refused;
  }
  return null;
}

/** The failure for a value over the limit, or null. */
export function tooLarge(
  value: Uint8Array | null,
  limits: Pick<ValidationLimits, 'maxValueBytes'>,
  path: string,
): Failure | null {
  if (value === null || value.length <= limits.maxValueBytes) return null;
  return limitExceeded('maxValueBytes', limits.maxValueBytes, value.length, { path });
}

/** For operations with a path and one value. */
export function badPathOrValue(path: string, value: Uint8Array, limits: ValidationLimits): Failure | null {
  return badPath(path) ?? tooLarge(value, limits, path);
}

export function checkVersion(node: TreeNode, path: string, ifVersion: number | null): Failure | null {
  if (ifVersion === null || node.version === ifVersion) return null;
  return guardFailed(path, 'version', { expected: ifVersion, actual: node.version });
}

const createdDirectory = {
  kind: 'created',
  type: 'directory',
  version: 0,
  value: null,
  number: null,
  removed: null,
  claim: null,
  cause: null,
} as const;

/** Adds the changes for a new node and for the directories that were made above it. */
function tellCreated(place: Place, node: TreeNode, changes: TreeChange[]): void {
  const { path, parts, above } = place;
  for (let depth = above.length; depth < parts.length; depth++) {
    const directory = `/${parts.slice(0, depth).join('/')}`;
    changes.push({ ...createdDirectory, path: directory });
  }
  changes.push(createdChange(path, node));
}

/** Makes a node at an empty place, and the missing directories above it. @param auto these go with their last child. */
export function makeAt(
  place: Place,
  make: (name: string) => TreeNode,
  context: WriteContext,
  auto = false,
): Written | Failure {
  let made: TreeNode | null = null;
  const root = attach(place, (name) => (made = make(name)), context, auto);
  if (root instanceof Failure) return root;
  tellCreated(place, made!, context.changes);
  return { root, result: { kind: 'done', version: 0 } };
}

/**
 * Why the session that acts may not have one more belonging, or not with this lease (coordination §2).
 * @param more how many it would have more; 0 for one that it has.
 */
export function refuseBelonging(
  { acting, consequences }: WriteContext,
  leaseMs: number | null,
  more: 0 | 1 = 1,
): Failure | null {
  const { session, sessions } = acting;
  const gained = consequences.filter((one) => one.kind === 'gained' && one.session === session);
  // The first of a transaction sets the lease for the others.
  const [first] = gained;
  const set = first?.kind === 'gained' ? (first.leaseMs ?? defaultLeaseMs) : 0;
  return sessions.refuses(session, leaseMs, { count: gained.length + more - 1, leaseMs: set });
}

/** Something is at the path. Says whose it is, and when it is gone at the earliest (coordination §9). */
export function occupied({ life }: TreeNode, path: string, { acting }: WriteContext): Failure {
  const refused = alreadyExists(path);
  if (life === null) return refused;
  const { owner } = life;
  const until = Math.min(dueOf(life), owner === 0 ? Infinity : acting.sessions.countsUntil(owner));
  return refused.with({ leftMs: Math.max(0, until - acting.now), ...(owner === 0 ? {} : { owner }) });
}

/** Answers with a value of the tree, or with null. */
export function valueResult(
  value: Stored | null,
  version: number,
  path: string,
  budget: ResultBudget,
): SimpleResult | Failure {
  if (value !== null && !budget.take(value.length))
    return limitExceeded('maxResultBytes', budget.maxBytes, budget.with(value.length), { path });
  return { kind: 'value', value: value === null ? null : load(value), version };
}
