/** What an entry does to claims that nobody asked for: sessions and waits end, and nodes with claims are deleted. */

import type { Op } from '../../base/ids.ts';
import { Failure } from '../failure.ts';
import { DirectoryNode } from '../node.ts';
import type { TreeNode } from '../node.ts';
import { ClaimsNode } from '../nodes/claims.ts';
import { QueueNode } from '../nodes/queue.ts';
import type { Place } from '../place.ts';
import { applyQueueStep, endTakes } from './job-steps.ts';
import { leave, letGo, revoke, tell, endWait } from './line.ts';
import type { WriteContext } from './rules.ts';

/** What the group itself does to one claim, by an entry that says that its time has come (coordination §6, §14). */
export type ClaimStep =
  /** Its session has ended; cleanly, if its holder said so. */
  | {
      readonly kind: 'giveUp';
      readonly path: string;
      readonly id: Op;
      readonly item?: number | undefined;
      readonly clean: boolean;
    }
  | { readonly kind: 'waitOver'; readonly path: string; readonly id: Op }
  | { readonly kind: 'shadowOver'; readonly path: string; readonly id: Op }
  /** Another process continues with the ClientID of its session. */
  | {
      readonly kind: 'continued';
      readonly path: string;
      readonly id: Op;
      readonly item?: number | undefined;
      readonly until: number;
    }
  /** A job is taken back. Its id is that of the item. */
  | { readonly kind: 'jobOver'; readonly path: string; readonly id: number }
  /** Delayed items of a queue are ready. */
  | { readonly kind: 'ready'; readonly path: string; readonly id: number };

/** Does a step. One that no longer applies changes nothing. */
export function applyStep(place: Place, step: ClaimStep, context: WriteContext, root: DirectoryNode): DirectoryNode {
  const { node } = place;
  if (node instanceof QueueNode) return applyQueueStep(place, step, context).above[0] ?? root;
  if (!(node instanceof ClaimsNode)) return root;
  const waiting = node.waiter(step.id);
  const hold = node.hold(step.id);
  const { now } = context.acting;
  switch (step.kind) {
    case 'giveUp':
      if (waiting !== undefined) return leave(place, node, waiting, context);
      return hold === undefined ? root : letGo(place, node, hold, context);
    case 'waitOver': {
      const over = waiting !== undefined && waiting.waitUntil !== null && waiting.waitUntil <= now;
      return over ? endWait(place, waiting, 'waitOver', context).above[0]! : root;
    }
    case 'shadowOver': {
      const over = hold !== undefined && hold.until !== null && hold.until <= now;
      return over ? letGo(place, node, hold, context) : root;
    }
    case 'continued':
      if (waiting !== undefined) return leave(place, node, waiting, context);
      if (hold === undefined || hold.until !== null) return root;
      return revoke(place, hold, 'continued', step.until, context).above[0]!;
    case 'jobOver':
    case 'ready':
      return root;
  }
}

/** Why a node cannot be deleted now: it is held, or something beneath it is (coordination §6). */
export function refuseDelete(node: TreeNode, path: string): Failure | null {
  if (node.held === 0) return null;
  return new Failure('Held', `Held: ${path} (held by ${node.held})`, { path, held: node.held });
}

/** Tells all who wait at a node that is deleted. */
export function endWaits(node: TreeNode, path: string, context: WriteContext): void {
  if (node instanceof QueueNode) return endTakes(node, path, context);
  if (!(node instanceof ClaimsNode)) return;
  for (const one of node.line()) {
    const { claim, session, waitUntil } = one;
    const belonging = { kind: 'claim', path, id: claim } as const;
    tell(context, session, { path, claim, kind: 'ended', token: 0, reason: 'deleted', until: null });
    context.consequences.push({ kind: 'gaveUp', session, belonging });
    if (waitUntil !== null)
      context.consequences.push({ kind: 'notDue', deadline: { ...belonging, kind: 'wait', at: waitUntil } });
  }
}
