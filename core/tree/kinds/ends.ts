/** The end of nodes, for whatever reason: who must be told of it, and what has no deadline any more (coordination §9, §14). */

import { deletedChange } from '../change.ts';
import { limitExceeded } from '../failure.ts';
import type { Failure } from '../failure.ts';
import type { DeletionCause } from '../names.ts';
import { DirectoryNode } from '../node.ts';
import type { TreeNode } from '../node.ts';
import { childPath } from '../path.ts';
import { emptiedBy, growthOf, replace, ttlOf } from '../place.ts';
import type { Place } from '../place.ts';
import { endWaits } from './claim-steps.ts';
import { tell } from './line.ts';
import type { WriteContext } from './rules.ts';

/** How many claims, ephemerals and nodes with a time to live one deletion may end. */
const maxEnded = 100_000;

/** Why a node cannot be deleted at once with all that is beneath it (coordination §14). */
export function refuseMany({ owned, lives }: TreeNode, path: string): Failure | null {
  const ended = owned + lives;
  return ended <= maxEnded ? null : limitExceeded('maxEnded', maxEnded, ended, { path });
}

/** Removes the node at a place, and the directories that go with it. */
export function drop(place: Place, cause: DeletionCause | null, context: WriteContext): DirectoryNode {
  endAll(place.node!, place.path, cause, context);
  const top = emptiedBy(place, context);
  context.changes.push(deletedChange(top.path, top.node!, cause));
  return replace(top, null, growthOf(top.node, null), context);
}

function endAll(node: TreeNode, path: string, cause: DeletionCause | null, context: WriteContext): void {
  if (node.owned === 0 && node.lives === 0) return;
  if (node.life !== null) endLife(node, path, cause, context);
  if (!(node instanceof DirectoryNode)) return endWaits(node, path, context);
  for (const child of node.children.values()) endAll(child, childPath(path, child.name), cause, context);
}

function endLife(node: TreeNode, path: string, cause: DeletionCause | null, context: WriteContext): void {
  const { life, created: id } = node;
  if (life === null) return;
  const { owner: session, ttlMs } = life;
  const { acting, consequences } = context;
  if (ttlMs > 0) consequences.push({ kind: 'notDue', deadline: ttlOf(node, path, life) });
  if (session === 0) return;
  consequences.push({ kind: 'gaveUp', session, belonging: { kind: 'ephemeral', path, id } });
  // Its own request needs no record of what it did.
  if (session === acting.session) return;
  const reason = cause === 'ttl' ? 'timeUp' : 'deleted';
  tell(context, session, { path, claim: id, kind: 'lost', token: 0, reason, until: null });
}
