/**
 * What happens to one line of claims, whoever asks: a claim leaves it, a hold ends or becomes a shadow (coordination §4,
 * §6). Who is granted something is decided when the entry is settled (settling.ts).
 */

import type { Op } from '../../base/ids.ts';
import type { Told } from '../acting.ts';
import { claimChange, makeChange } from '../change.ts';
import { Failure, notFound, wrongType } from '../failure.ts';
import { claimTypes } from '../names.ts';
import type { ClaimType, NodeType } from '../names.ts';
import { DirectoryNode } from '../node.ts';
import type { TreeNode } from '../node.ts';
import { ClaimsNode, bytesOfClaim } from '../nodes/claims.ts';
import type { Claim, ClaimSettings, Hold } from '../nodes/claims.ts';
import { growthOfBytes } from '../nodes/head.ts';
import type { Growth } from '../nodes/head.ts';
import type { KnownClaim } from '../operation.ts';
import { replace } from '../place.ts';
import type { Place } from '../place.ts';
import { load } from '../stored.ts';
import type { WriteContext, Written } from './rules.ts';
import { makeAt, occupied } from './steps.ts';

/** Claims of one node, and of a namespace. They are the same everywhere, so that all replicas refuse the same ones. */
export const maxClaimsOfNode = 10_000;
export const maxClaims = 100_000;

/** How many holders `Held` names. */
const maxNamed = 8;

export function isClaimType(type: NodeType): type is ClaimType {
  return (claimTypes as readonly NodeType[]).includes(type);
}

/** The line of claims at a place, whatever its type. */
export function lineAt(place: Place, type: ClaimType | null = null): ClaimsNode | Failure {
  const { node, path } = place;
  if (node === null) return notFound(path);
  return lineOf(node, path, type);
}

export function lineOf(node: TreeNode, path: string, type: ClaimType | null): ClaimsNode | Failure {
  if (!(node instanceof ClaimsNode)) return wrongType(path, type ?? 'lock, semaphore, barrier or election', node.type);
  return type === null || node.type === type ? node : wrongType(path, type, node.type);
}

export function notHeld(path: string, claim: Op, token: Op): Failure {
  return new Failure('NotHeld', `Not held: claim ${claim} with token ${token} at ${path}`, { path, claim, token });
}

/** Somebody else has it. Names who, so that a person can ask them. */
export function heldByOthers(path: string, node: ClaimsNode): Failure {
  const sessions: string[] = [];
  for (const hold of node.holds()) {
    if (sessions.push(String(hold.session)) === maxNamed) break;
  }
  const { count, waiting } = node;
  const holders = sessions.join(' ');
  const by = sessions.length === 0 ? `${waiting} wait before` : `held by ${node.held}, ${waiting} wait`;
  return new Failure('Held', `Held: ${path} (${by})`, { path, holders, held: count, waiting });
}

/** True when a wait is over at `now`, or its session is. Nothing is granted to it any more (coordination §4). */
export function isOver({ waitUntil, session }: Claim, { acting }: Pick<WriteContext, 'acting'>): boolean {
  return (waitUntil !== null && waitUntil <= acting.now) || acting.sessions.over(session);
}

/** What another claim adds to the sums of directories. */
export function growthOfClaim(claim: Pick<Claim, 'value'>, times: 1 | -1, held: 0 | 1): Growth {
  return { ...growthOfBytes(times * bytesOfClaim(claim)), held: times * held, owned: times };
}

/** Takes a waiting claim out of its line. */
export function leave(place: Place, node: ClaimsNode, claim: Claim, context: WriteContext): DirectoryNode {
  const { path } = place;
  const { op, owner, changes, consequences, touched } = context;
  const after = node.without(claim, op, owner);
  changes.push(claimChange(path, 'left', after, { ...claim, token: 0 }));
  const belonging = { kind: 'claim', path, id: claim.claim } as const;
  consequences.push({ kind: 'gaveUp', session: claim.session, belonging });
  if (claim.waitUntil !== null)
    consequences.push({ kind: 'notDue', deadline: { ...belonging, kind: 'wait', at: claim.waitUntil } });
  if (!touched.has(path)) touched.set(path, 0);
  return replace(place, after, growthOfClaim(claim, -1, 0), context, 'quiet');
}

/** Ends a hold or shadow. */
export function letGo(place: Place, node: ClaimsNode, hold: Hold, context: WriteContext): DirectoryNode {
  const { path } = place;
  const { op, owner, changes, consequences, touched } = context;
  const after = node.releasing(hold, op, owner);
  changes.push(claimChange(path, 'released', after, hold));
  const belonging = { kind: 'claim', path, id: hold.claim } as const;
  consequences.push({ kind: 'gaveUp', session: hold.session, belonging });
  if (hold.until !== null)
    consequences.push({ kind: 'notDue', deadline: { ...belonging, kind: 'shadow', at: hold.until } });
  touched.set(path, hold.until === null ? hold.token : (touched.get(path) ?? 0));
  return replace(place, after, growthOfClaim(hold, -1, 1), context);
}

/** Makes a shadow of a hold: its room stays taken until its holder can no longer count on it (coordination §6). */
export function revoke(
  place: Place,
  hold: Hold,
  reason: 'stolen' | 'continued',
  until: number,
  context: WriteContext,
): Place {
  const { path } = place;
  const { op, owner, changes, consequences, touched } = context;
  const after = (place.node as ClaimsNode).replacing(hold, { ...hold, until }, op, owner);
  changes.push(claimChange(path, 'revoked', after, hold));
  const { session, claim, token } = hold;
  tell(context, session, { path, claim, kind: 'revoked', token, reason, until });
  consequences.push({ kind: 'due', deadline: { path, id: claim, kind: 'shadow', at: until } });
  touched.set(path, token);
  const root = replace(place, after, growthOfBytes(0), context);
  return moved(place, root, after);
}

/** The same place after a change of its node. */
export function moved(place: Place, root: DirectoryNode, node: TreeNode): Place {
  const above: DirectoryNode[] = [root];
  for (let depth = 1; depth < place.above.length; depth++)
    above.push(above[depth - 1]!.child(place.parts[depth - 1]!) as DirectoryNode);
  return { ...place, above, node };
}

export function tell({ consequences }: WriteContext, session: number, told: Told): void {
  consequences.push({ kind: 'told', session, told });
}

/** Ends a wait for a reason that its session must be told. */
export function endWait(
  place: Place,
  claim: Claim,
  reason: 'waitOver' | 'deleted' | 'tooMany',
  context: WriteContext,
): Place {
  const { path } = place;
  tell(context, claim.session, { path, claim: claim.claim, kind: 'ended', token: 0, reason, until: null });
  const root = leave(place, place.node as ClaimsNode, claim, context);
  return moved(place, root, nodeBeneath(root, place.parts));
}

export function nodeBeneath(root: DirectoryNode, parts: readonly string[]): TreeNode {
  let node: TreeNode = root;
  for (const part of parts) node = (node as DirectoryNode).child(part)!;
  return node;
}

/** Makes a line of claims, or makes one that a claim made stay (coordination §4). */
export function makeLine(
  place: Place,
  type: ClaimType,
  settings: ClaimSettings,
  context: WriteContext,
): Written | Failure {
  const { node, path } = place;
  if (node === null) return makeAt(place, (name) => ClaimsNode.empty(name, context.op, type, settings), context);
  const same = node instanceof ClaimsNode && node.type === type && node.settings.auto;
  if (!same || node.settings.capacity !== settings.capacity) return occupied(node, path, context);
  const after = node.withSettings({ auto: false }, context.op, context.owner);
  context.changes.push(makeChange(path, 'changed', after, null, null));
  return {
    root: replace(place, after, growthOfBytes(0), context),
    result: { kind: 'done', version: after.version },
  };
}

export function knownClaim(one: Claim | Hold): KnownClaim {
  const { claim, session, permits, exclusive, value } = one;
  const held = 'token' in one;
  return {
    claim,
    session,
    client: '',
    permits,
    exclusive,
    value: value === null ? null : load(value),
    token: held ? one.token : 0,
    since: held ? one.granted : one.enqueued,
    until: held ? one.until : one.waitUntil,
  };
}
