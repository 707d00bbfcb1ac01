/** What belongs to sessions in a tree, and what has a deadline. It follows from the tree, so no snapshot has it. */

import type { Standing } from './acting.ts';
import { delayOf, jobDeadline } from './kinds/job-steps.ts';
import { DirectoryNode } from './node.ts';
import type { TreeNode } from './node.ts';
import { ClaimsNode } from './nodes/claims.ts';
import type { Claim, Hold } from './nodes/claims.ts';
import { QueueNode } from './nodes/queue.ts';
import { childPath } from './path.ts';

/** The leaves that have something that belongs to a session, or a deadline. */
function* ownedLeaves(
  path: string,
  node: TreeNode,
): Generator<{ readonly path: string; readonly node: TreeNode }, void> {
  if (node.owned === 0) return;
  if (!(node instanceof DirectoryNode)) {
    yield { path, node };
    return;
  }
  for (const child of node.children.values())
    yield* ownedLeaves(childPath(path === '' ? '/' : path, child.name), child);
}

/** Every claim on a line of claims, beneath a directory. */
export function* claimsOf(
  from: string,
  root: TreeNode,
): Generator<{ readonly path: string; readonly claim: Claim | Hold }, void> {
  for (const { path, node } of ownedLeaves(from, root)) {
    if (!(node instanceof ClaimsNode)) continue;
    for (const claim of node.holds()) yield { path, claim };
    for (const claim of node.line()) yield { path, claim };
  }
}

export function* standingOf(from: string, root: TreeNode): Generator<Standing, void> {
  for (const { path, claim } of claimsOf(from, root)) yield ofClaim(path, claim);
  for (const { path, node } of ownedLeaves(from, root)) if (node instanceof QueueNode) yield* ofQueue(path, node);
}

function ofClaim(path: string, claim: Claim | Hold): Standing {
  const belonging = { kind: 'claim', path, id: claim.claim } as const;
  const held = 'token' in claim;
  const at = held ? claim.until : claim.waitUntil;
  const deadline = at === null ? null : ({ ...belonging, kind: held ? 'shadow' : 'wait', at } as const);
  return { session: claim.session, belonging, deadline };
}

function* ofQueue(path: string, { jobs, dueAt }: QueueNode): Generator<Standing, void> {
  for (const job of jobs?.taken.values() ?? []) {
    const belonging = { kind: 'claim', path, id: job.receipt, item: job.id } as const;
    yield { session: job.session, belonging, deadline: jobDeadline(path, job) };
  }
  for (const taker of jobs?.line.values() ?? []) yield ofClaim(path, taker);
  if (dueAt !== null)
    yield { session: null, belonging: { kind: 'claim', path, id: 0 }, deadline: delayOf(path, dueAt) };
}
