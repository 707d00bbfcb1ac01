/**
 * The operations on lines of claims: locks, semaphores, barriers and elections (coordination §4, §6 to §8). They only
 * put claims in line and take them out. Who is granted something is decided when the entry is settled (settling.ts).
 */

import type { Op } from '../../base/ids.ts';
import { Failure, badArgument, limitExceeded, notFound } from '../failure.ts';
import type { ResultBudget } from '../limits.ts';
import type { ClaimType } from '../names.ts';
import { DirectoryNode } from '../node.ts';
import type { TreeNode } from '../node.ts';
import { ClaimsNode, bytesOfClaim, claimOverheadBytes } from '../nodes/claims.ts';
import type { Claim, ClaimSettings, Hold } from '../nodes/claims.ts';
import { growthOfBytes } from '../nodes/head.ts';
import { QueueNode } from '../nodes/queue.ts';
import type { Asked, KnownClaim, SimpleOperation, SimpleResult } from '../operation.ts';
import type { ClaimWish } from '../operations/claims.ts';
import { Page } from '../page.ts';
import { find, refuseGrowth, replace } from '../place.ts';
import type { Place } from '../place.ts';
import { store } from '../stored.ts';
import {
  lineAt,
  lineOf,
  notHeld,
  growthOfClaim,
  leave,
  letGo,
  revoke,
  moved,
  knownClaim,
  isOver,
  heldByOthers,
  maxClaims,
  maxClaimsOfNode,
} from './line.ts';
import { abandonTake } from './jobs.ts';
import type { NewClaim, Rules, WriteContext, Written } from './rules.ts';
import { badPath, makeAt, onlyPath, refuseBelonging } from './steps.ts';

/** Why a claim cannot be made on a node of this type, whatever else it holds. */
function misfit(
  path: string,
  type: ClaimType,
  { permits, exclusive, value }: Pick<ClaimWish, 'permits' | 'exclusive' | 'value'>,
): Failure | null {
  if (type !== 'semaphore' && permits !== 1)
    return badArgument(`A ${type} has no permits: permits must be 1`, { path, field: 'permits', actual: permits });
  if (type !== 'lock' && exclusive !== (type === 'election')) {
    const text = `A claim on a ${type} is ${exclusive ? 'never' : 'always'} exclusive`;
    return badArgument(text, { path, field: 'exclusive', actual: exclusive });
  }
  if (value !== null && type !== 'election')
    return badArgument(`Only a candidate of an election has a value, not a claim on a ${type}`, {
      path,
      field: 'value',
    });
  return null;
}

/** Why one more claim cannot be put in line. */
function refuseClaim(
  place: Place,
  settings: ClaimSettings,
  type: ClaimType,
  wish: ClaimWish,
  context: WriteContext,
): Failure | null {
  const { path } = place;
  const { acting } = context;
  if (acting.session === 0) return badArgument('A claim needs a session', { path });
  const { capacity } = settings;
  if (wish.of !== null && wish.of !== capacity) {
    const actual = capacity ?? 'none';
    return badArgument(`${path} has ${actual} permits, not ${wish.of}`, { path, field: 'of', actual });
  }
  if (capacity !== null && wish.permits > capacity) {
    const text = `There are ${capacity} permits at ${path}, this asks for ${wish.permits}`;
    return badArgument(text, { path, field: 'permits', limit: capacity, actual: wish.permits });
  }
  const unfit = misfit(path, type, wish);
  if (unfit !== null) return unfit;
  const root = place.above[0];
  if (root !== undefined && root.owned >= maxClaims)
    return limitExceeded('maxClaims', maxClaims, root.owned + 1, { path });
  return refuseBelonging(context, wish.leaseMs);
}

function newClaim(wish: ClaimWish, front: Op, { op, acting }: WriteContext): Claim {
  const { permits, exclusive, value, waitMs } = wish;
  return {
    claim: op,
    session: acting.session,
    request: acting.request,
    permits,
    exclusive,
    value: value === null ? null : store(value),
    enqueued: acting.now,
    waitUntil: waitMs === null || waitMs === 0 ? null : acting.now + waitMs,
    front,
  };
}

/** Notes what follows from a new claim, and gives the result that the end of the entry completes. */
function gained(path: string, claim: Claim, wish: ClaimWish, context: WriteContext): SimpleResult {
  const { acting, consequences, touched, newClaims } = context;
  const { session } = acting;
  const belonging = { kind: 'claim', path, id: claim.claim } as const;
  consequences.push({ kind: 'gained', session, belonging, leaseMs: wish.leaseMs });
  if (claim.waitUntil !== null)
    consequences.push({ kind: 'due', deadline: { ...belonging, kind: 'wait', at: claim.waitUntil } });
  if (!touched.has(path)) touched.set(path, 0);
  const { now } = acting;
  const result: NewClaim['result'] = {
    kind: 'claimed',
    claim: claim.claim,
    token: 0,
    ahead: 0,
    clock: now,
    changed: acting.sessions.changed(session),
  };
  newClaims.push({ path, claim: claim.claim, result, tries: wish.waitMs === 0 });
  return result;
}

function claim(place: Place, asked: Asked<'claim'>, context: WriteContext): Written | Failure {
  const { path } = place;
  if (place.node === null) return claimAnew(place, asked, context);
  const node = lineAt(place, asked.auto);
  if (node instanceof Failure) return node;
  const refused = refuseClaim(place, node.settings, node.type, asked, context);
  if (refused !== null) return refused;
  if (node.waiter(context.op) !== undefined || node.hold(context.op) !== undefined)
    return badArgument('A transaction makes one claim on a node', { path });
  // A transaction is settled once, at its end. What it releases later may make room.
  if (asked.waitMs === 0 && !context.together && !grantsAtOnce(node, asked, context)) return heldByOthers(path, node);
  if (node.owned >= maxClaimsOfNode) return limitExceeded('maxClaimsOfNode', maxClaimsOfNode, node.owned + 1, { path });
  const one = newClaim(asked, 0, context);
  const growth = growthOfClaim(one, 1, 0);
  const full = refuseGrowth(place, growth, context.limits);
  if (full !== null) return full;
  const after = node.enqueued(one, context.op, context.owner);
  return { root: replace(place, after, growth, context, 'quiet'), result: gained(path, one, asked, context) };
}

/** True when a new claim would be granted by this entry, if nothing else in the entry were to happen. */
function grantsAtOnce(node: ClaimsNode, wish: ClaimWish, context: WriteContext): boolean {
  if (node.type === 'barrier') return node.settings.open;
  // Those before it are granted first, if they fit. They wait only because the one before them is over.
  let before = 0;
  const fits = ({ exclusive, permits }: Pick<Claim, 'exclusive' | 'permits'>): boolean =>
    node.fits({ exclusive, permits: before + permits }) && !(exclusive && before > 0);
  for (const waiting of node.line()) {
    if (isOver(waiting, context)) continue;
    if (waiting.exclusive || !fits(waiting)) return false;
    before += waiting.permits;
  }
  return fits(wish);
}

/** Makes the node with its first claim. */
function claimAnew(place: Place, asked: ClaimWish, context: WriteContext): Written | Failure {
  const { path, parts } = place;
  const { auto: type, of } = asked;
  if (type === null || parts.length === 0) return notFound(path);
  if ((type === 'semaphore') !== (of !== null)) {
    const text = type === 'semaphore' ? 'A semaphore is made with a capacity' : `A ${type} has no capacity`;
    return badArgument(text, { path, field: 'of' });
  }
  if (type === 'barrier') return badArgument('A barrier is made by `create`, not by waiting at it', { path });
  const settings = { capacity: of, open: false, auto: true };
  const refused = refuseClaim(place, settings, type, asked, context);
  if (refused !== null) return refused;
  const one = newClaim(asked, 0, context);
  const made = makeAt(
    place,
    (name) => ClaimsNode.empty(name, context.op, type, settings).enqueued(one, context.op, null),
    context,
    true,
  );
  return made instanceof Failure ? made : { root: made.root, result: gained(path, one, asked, context) };
}

function release(place: Place, { claim, token, to }: Asked<'release'>, context: WriteContext): Written | Failure {
  const { path } = place;
  if (place.node === null) return notHeld(path, claim, token);
  const node = lineAt(place);
  if (node instanceof Failure) return node;
  const hold = node.hold(claim);
  if (hold === undefined || hold.token !== token || hold.session !== context.acting.session)
    return notHeld(path, claim, token);
  const version = node.version + 1;
  if (to === 0) return { root: letGo(place, node, hold, context), result: { kind: 'done', version } };
  const next = node.waiter(to);
  if (next === undefined) return notHeld(path, to, 0);
  for (const other of node.line()) {
    if (other.front !== context.op || other.claim === to) continue;
    return badArgument('A transaction puts one claim of a node in front', { path, field: 'to', actual: to });
  }
  const fronted = node.fronted(next, context.op, context.owner);
  const put = moved(place, replace(place, fronted, growthOfBytes(0), context, 'quiet'), fronted);
  return { root: letGo(put, fronted, hold, context), result: { kind: 'done', version: version + 1 } };
}

function abandon(
  place: Place,
  { claim, request }: Asked<'abandon'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const nothing: Written = { root, result: { kind: 'abandoned', was: 'nothing' } };
  if (place.node instanceof QueueNode)
    return abandonTake(place, { kind: 'abandon', path: place.path, claim, request }, context, root);
  if (!(place.node instanceof ClaimsNode)) return nothing;
  const { node } = place;
  const { session } = context.acting;
  const mine = (one: Claim | undefined): boolean => one !== undefined && one.session === session;
  const waiting = claim === 0 ? made(node.line(), session, request) : node.waiter(claim);
  if (waiting !== undefined && mine(waiting))
    return { root: leave(place, node, waiting, context), result: { kind: 'abandoned', was: 'waiting' } };
  const hold = claim === 0 ? made(node.holds(), session, request) : node.hold(claim);
  if (hold !== undefined && mine(hold))
    return { root: letGo(place, node, hold, context), result: { kind: 'abandoned', was: 'granted' } };
  return nothing;
}

/** The claim that a request of a session made. */
function made<C extends Claim>(claims: Iterable<C>, session: number, request: number): C | undefined {
  for (const one of claims) if (one.session === session && one.request === request) return one;
  return undefined;
}

function steal(place: Place, { claim, put }: Asked<'steal'>, context: WriteContext): Written | Failure {
  const { path } = place;
  const { op, acting } = context;
  // Its last holder may have gone just now, and the node with it. For a claim that is as if it had been taken from them.
  if (place.node === null && put !== null && claim === 0) return claimAnew(place, put, context);
  const node = lineAt(place, put?.auto);
  if (node instanceof Failure) return node;
  if (put !== null) {
    const refused = refuseClaim(place, node.settings, node.type, put, context);
    if (refused !== null) return refused;
    if (node.owned >= maxClaimsOfNode)
      return limitExceeded('maxClaimsOfNode', maxClaimsOfNode, node.owned + 1, { path });
    // What is stolen keeps its room for a while, and the new claim comes first. So this alone decides a try.
    const at = node.type === 'barrier' ? node.settings.open : node.fits(put);
    if (put.waitMs === 0 && !at) return heldByOthers(path, node);
    const full = refuseGrowth(place, growthOfClaim({ value: put.value }, 1, 0), context.limits);
    if (full !== null) return full;
  }
  if (claim !== 0 && node.hold(claim)?.until !== null) return notHeld(path, claim, 0);
  let at = place;
  for (const hold of [...node.holds()]) {
    if (hold.until !== null || (claim !== 0 && hold.claim !== claim)) continue;
    at = revoke(at, hold, 'stolen', acting.sessions.countsUntil(hold.session), context);
  }
  const now = at.node as ClaimsNode;
  if (put === null) {
    const root = at.above[0]!;
    return { root, result: { kind: 'done', version: now.version } };
  }
  const one = newClaim(put, op, context);
  const after = now.enqueued(one, op, context.owner);
  return {
    root: replace(at, after, growthOfClaim(one, 1, 0), context, 'quiet'),
    result: gained(path, one, put, context),
  };
}

/** Why an operation cannot be part of a transaction: nothing in one may wait (coordination §12). */
export function refuseTogether(operation: SimpleOperation): Failure | null {
  if (operation.kind === 'claim' && operation.waitMs !== 0)
    return badArgument('A claim in a transaction cannot wait: its waitMs must be 0', {
      path: operation.path,
      field: 'waitMs',
    });
  const inner = operation.kind === 'upsert' ? operation.operation : operation;
  if (inner.kind === 'queueTake' && inner.waitMs !== 0)
    return badArgument('A take in a transaction cannot wait: its waitMs must be 0', {
      path: inner.path,
      field: 'waitMs',
    });
  if (operation.kind === 'queueProgress' || operation.kind === 'queueDead')
    return badArgument(`A transaction cannot do ${operation.kind}`, { path: operation.path });
  if (operation.kind === 'steal') return badArgument('A transaction cannot steal', { path: operation.path });
  return null;
}

function list(
  root: DirectoryNode,
  { path, limit, from }: Asked<'claims'>,
  budget: ResultBudget,
): SimpleResult | Failure {
  const found = find(root, path);
  if (found instanceof Failure) return found;
  const node = lineOf(found, path, null);
  if (node instanceof Failure) return node;
  const page = new Page<KnownClaim>(limit, budget);
  let at = 0;
  for (const part of [node.holds(), node.line()] as const) {
    for (const one of part) {
      if (at++ < from) continue;
      if (!page.add(knownClaim(one), bytesOfClaim(one) + claimOverheadBytes)) break;
    }
    if (page.more) break;
  }
  const { capacity, open } = node.settings;
  const { entries: claims, more } = page;
  const { count: held, waiting, version } = node;
  return page.failure ?? { kind: 'claims', capacity, open, claims, more, held, waiting, version };
}

/** True when a hold, and no shadow, has this token. @param claim 0 for any exclusive one. */
function isHeld(node: TreeNode, token: Op, claim: Op): boolean {
  if (!(node instanceof ClaimsNode)) return false;
  const counts = (hold: Hold | undefined): boolean => hold !== undefined && hold.until === null && hold.token === token;
  if (claim !== 0) return counts(node.hold(claim));
  for (const hold of node.holds()) if (hold.exclusive && counts(hold)) return true;
  return false;
}

/** `held` of a node (coordination §12). */
export function isHeldWith(node: TreeNode, token: Op): boolean {
  return isHeld(node, token, 0);
}

/** A claim is named in one way. */
function badName({ path, claim, request }: Asked<'abandon'>): Failure | null {
  if ((claim === 0) !== (request === 0)) return badPath(path);
  return badArgument('A claim is abandoned by its op or by its request, and the other is 0', { path });
}

export const claimRules: Rules<'claims'> = {
  writes: {
    claim: { grows: true, refuse: onlyPath, apply: claim },
    release: { grows: false, refuse: onlyPath, apply: release },
    abandon: { grows: false, refuse: badName, apply: abandon },
    steal: { grows: false, refuse: onlyPath, apply: steal },
  },
  upserts: {},
  reads: { claims: { refuse: onlyPath, read: list } },
  guards: { heldBy: (node, { token, claim: by }) => isHeld(node, token, by) },
};
