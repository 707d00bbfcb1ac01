/**
 * The last phase of an entry: it grants what can be granted on the lines of claims that the entry changed, and removes
 * the empty ones that claims had made (coordination §4).
 */

import { compareText } from '../base/bytes.ts';
import { claimChange, makeChange } from './change.ts';
import { Failure, notFound } from './failure.ts';
import { settleQueue } from './kinds/job-steps.ts';
import { heldByOthers, isOver } from './kinds/line.ts';
import { drop } from './kinds/ends.ts';
import type { WriteContext } from './kinds/rules.ts';
import { DirectoryNode } from './node.ts';
import { ClaimsNode, bytesOfClaim } from './nodes/claims.ts';
import type { Claim } from './nodes/claims.ts';
import { growthOfBytes } from './nodes/head.ts';
import { QueueNode } from './nodes/queue.ts';
import { locate, replace } from './place.ts';
import type { Place } from './place.ts';

/** Settles the lines that were touched. @returns the failure of a claim that did not want to wait, and has to. */
export function settle(root: DirectoryNode, context: WriteContext): DirectoryNode | Failure {
  const paths = [...context.touched.keys()].sort(compareText);
  let after = root;
  for (const path of paths) after = settleLine(after, path, context);
  for (const { path, claim, result, tries } of context.newClaims) {
    const place = locate(after, path);
    const node = place instanceof Failure ? null : place.node;
    const hold = node instanceof ClaimsNode ? node.hold(claim) : undefined;
    if (hold !== undefined) result.token = hold.token;
    if (result.token !== 0) continue;
    // The same transaction may have deleted it.
    if (!(node instanceof ClaimsNode)) return notFound(path);
    if (tries) return heldByOthers(path, node);
    const waiting = node.waiter(claim);
    if (waiting === undefined) continue;
    // A new claim is the last in line, or it was put before all others.
    result.ahead = waiting.front === 0 ? node.waiting - 1 : 0;
    context.changes.push(claimChange(path, 'waits', node, { ...waiting, token: 0 }));
  }
  for (const path of paths.reverse()) after = removeEmpty(after, path, context);
  return after;
}

function placeAt(root: DirectoryNode, path: string): Place | null {
  const place = locate(root, path);
  return place instanceof Failure ? null : place;
}

function settleLine(root: DirectoryNode, path: string, context: WriteContext): DirectoryNode {
  const place = placeAt(root, path);
  if (place?.node instanceof QueueNode) return settleQueue(place, context);
  if (place === null || !(place.node instanceof ClaimsNode)) return root;
  const { op, changes, touched } = context;
  // Many may be granted at once. The node is copied for the first of them at most, and put back once.
  const owner = context.owner ?? {};
  const passes = place.node.type === 'barrier';
  let node: ClaimsNode = place.node;
  let granted = 0;
  let bytes = 0;
  let from: Claim | null = null;
  for (;;) {
    const next: Claim | null = node.lineAfter(from);
    if (next === null) break;
    // Its time is over. The entry that says so will tell its session.
    if (isOver(next, context)) {
      from = next;
      continue;
    }
    if (passes ? !node.settings.open : !node.fits(next)) break;
    node = passes ? node.without(next, op, owner) : node.granting(next, op, context.acting.now, owner);
    changes.push(claimChange(path, passes ? 'passed' : 'granted', node, { ...next, token: op }));
    tellGranted(path, next, passes ? 'passed' : 'granted', context);
    granted++;
    if (passes) bytes -= bytesOfClaim(next);
  }
  const term = touched.get(path)!;
  if (node.type === 'election' && term > 0 && node.count === 0)
    changes.push({ ...makeChange(path, 'vacant', node, null, null), claim: { claim: 0, token: term, session: 0 } });
  if (granted === 0) return root;
  const growth = { ...growthOfBytes(bytes), held: passes ? 0 : granted, owned: passes ? -granted : 0 };
  return replace(place, node, growth, context, passes ? 'quiet' : 'change');
}

/** What follows when a claim is granted, or passes an open barrier and then holds nothing (coordination §8). */
function tellGranted(path: string, claim: Claim, kind: 'granted' | 'passed', context: WriteContext): void {
  const { op, consequences, newClaims } = context;
  const { claim: id, session } = claim;
  noLongerWaits(path, claim, context);
  if (kind === 'passed') consequences.push({ kind: 'gaveUp', session, belonging: { kind: 'claim', path, id } });
  // The reply answers the claims of this very request.
  if (id !== op) {
    consequences.push({ kind: 'told', session, told: { path, claim: id, kind, token: op, reason: null, until: null } });
    return;
  }
  for (const one of newClaims) if (one.path === path) one.result.token = op;
}

function noLongerWaits(path: string, { claim, waitUntil }: Claim, { consequences }: WriteContext): void {
  if (waitUntil !== null)
    consequences.push({ kind: 'notDue', deadline: { path, id: claim, kind: 'wait', at: waitUntil } });
}

/**
 * Removes a line with its last claim, if a claim made it or its time to live is over, and the directories that were made
 * with it.
 */
function removeEmpty(root: DirectoryNode, path: string, context: WriteContext): DirectoryNode {
  const place = placeAt(root, path);
  if (place === null || !(place.node instanceof ClaimsNode)) return root;
  if (place.node.owned > 0) return root;
  const { auto } = place.node.settings;
  return auto || context.overdue.has(path) ? drop(place, auto ? null : 'ttl', context) : root;
}
