/**
 * The operations on lines of claims: locks, semaphores, barriers and elections (coordination §4, §6 to §8). They only
 * put claims in line and take them out. Who is granted something is decided when the entry is settled (settling.ts).
 */

import type { Op } from '../../base/ids.ts';
import type { Told } from '../acting.ts';
import { claimChange, makeChange } from '../change.ts';
import { Failure, badArgument, limitExceeded, notFound, wrongType } from '../failure.ts';
import type { ResultBudget } from '../limits.ts';
import { claimTypes } from '../names.ts';
import type { ClaimType, NodeType } from '../names.ts';
import { DirectoryNode } from '../node.ts';
import type { TreeNode } from '../node.ts';
import { ClaimsNode, bytesOfClaim, claimOverheadBytes, emptyLine } from '../nodes/claims.ts';
import type { Claim, ClaimSettings, Hold } from '../nodes/claims.ts';
import { growthOfBytes } from '../nodes/head.ts';
import type { Growth } from '../nodes/head.ts';
import type { Asked, KnownClaim, SimpleOperation, SimpleResult } from '../operation.ts';
import { defaultLeaseMs } from '../operations/claims.ts';
import type { ClaimWish } from '../operations/claims.ts';
import { Page } from '../page.ts';
import { childPath } from '../path.ts';
import { find, refuseGrowth, replace } from '../place.ts';
import type { Place } from '../place.ts';
import { load, store } from '../stored.ts';
import type { LeafRules, NewClaim, Rules, WriteContext, Written } from './rules.ts';
import { badPath, makeAt, onlyPath } from './steps.ts';

/** Claims of one node, and of a namespace. They are the same everywhere, so that all replicas refuse the same ones. */
export const maxClaimsOfNode = 10_000;
export const maxClaims = 100_000;

/** How many holders `Held` names. */
const maxNamed = 8;

export function isClaimType(type: NodeType): type is ClaimType {
  return (claimTypes as readonly NodeType[]).includes(type);
}

/** The line of claims at a place, whatever its type. */
function lineAt(place: Place, type: ClaimType | null = null): ClaimsNode | Failure {
  const { node, path } = place;
  if (node === null) return notFound(path);
  return lineOf(node, path, type);
}

function lineOf(node: TreeNode, path: string, type: ClaimType | null): ClaimsNode | Failure {
  if (!(node instanceof ClaimsNode)) return wrongType(path, type ?? 'lock, semaphore, barrier or election', node.type);
  return type === null || node.type === type ? node : wrongType(path, type, node.type);
}

function notHeld(path: string, claim: Op, token: Op): Failure {
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
function growthOfClaim(claim: Pick<Claim, 'value'>, times: 1 | -1, held: 0 | 1): Growth {
  return { bytes: times * bytesOfClaim(claim), nodes: 0, held: times * held, owned: times };
}

/** Why a claim cannot be made on a node of this type, whatever else it holds. */
function misfit(
  path: string,
  type: ClaimType,
  { permits, exclusive, value }: Omit<ClaimWish, 'waitMs' | 'leaseMs'>,
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
  const { acting, consequences } = context;
  if (acting.session === 0) return badArgument('A claim needs a session', { path });
  const { capacity } = settings;
  if (capacity !== null && wish.permits > capacity) {
    const text = `There are ${capacity} permits at ${path}, this asks for ${wish.permits}`;
    return badArgument(text, { path, field: 'permits', limit: capacity, actual: wish.permits });
  }
  const unfit = misfit(path, type, wish);
  if (unfit !== null) return unfit;
  const root = place.above[0];
  if (root !== undefined && root.owned >= maxClaims)
    return limitExceeded('maxClaims', maxClaims, root.owned + 1, { path });
  const { session, sessions } = acting;
  const gained = consequences.filter((one) => one.kind === 'gained' && one.session === session);
  // The first claim of a transaction sets the lease for the others.
  const [first] = gained;
  const leaseMs = first?.kind === 'gained' ? (first.leaseMs ?? defaultLeaseMs) : 0;
  return sessions.refuses(session, wish.leaseMs, { count: gained.length, leaseMs });
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
  const belonging = { path, id: claim.claim };
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
  const { settings } = node;
  if (asked.of !== null && asked.of !== settings.capacity) {
    const actual = settings.capacity ?? 'none';
    return badArgument(`${path} has ${actual} permits, not ${asked.of}`, { path, field: 'of', actual });
  }
  const refused = refuseClaim(place, settings, node.type, asked, context);
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
  return { root: replace(place, after, growth, context, true), result: gained(path, one, asked, context) };
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
function claimAnew(place: Place, asked: Asked<'claim'>, context: WriteContext): Written | Failure {
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

/** Takes a waiting claim out of its line. */
function leave(place: Place, node: ClaimsNode, claim: Claim, context: WriteContext): DirectoryNode {
  const { path } = place;
  const { op, owner, changes, consequences, touched } = context;
  const after = node.without(claim, op, owner);
  changes.push(claimChange(path, 'left', after, { ...claim, token: 0 }));
  const belonging = { path, id: claim.claim };
  consequences.push({ kind: 'gaveUp', session: claim.session, belonging });
  if (claim.waitUntil !== null)
    consequences.push({ kind: 'notDue', deadline: { ...belonging, kind: 'wait', at: claim.waitUntil } });
  if (!touched.has(path)) touched.set(path, 0);
  return replace(place, after, growthOfClaim(claim, -1, 0), context, true);
}

/** Ends a hold or shadow. */
function letGo(place: Place, node: ClaimsNode, hold: Hold, context: WriteContext): DirectoryNode {
  const { path } = place;
  const { op, owner, changes, consequences, touched } = context;
  const after = node.releasing(hold, op, owner);
  changes.push(claimChange(path, 'released', after, hold));
  const belonging = { path, id: hold.claim };
  consequences.push({ kind: 'gaveUp', session: hold.session, belonging });
  if (hold.until !== null)
    consequences.push({ kind: 'notDue', deadline: { ...belonging, kind: 'shadow', at: hold.until } });
  touched.set(path, hold.until === null ? hold.token : (touched.get(path) ?? 0));
  return replace(place, after, growthOfClaim(hold, -1, 1), context);
}

/** Makes a shadow of a hold: its room stays taken until its holder can no longer count on it (coordination §6). */
function revoke(place: Place, hold: Hold, reason: 'stolen' | 'continued', until: number, context: WriteContext): Place {
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
function moved(place: Place, root: DirectoryNode, node: TreeNode): Place {
  const above: DirectoryNode[] = [root];
  for (let depth = 1; depth < place.above.length; depth++)
    above.push(above[depth - 1]!.child(place.parts[depth - 1]!) as DirectoryNode);
  return { ...place, above, node };
}

function tell({ consequences }: WriteContext, session: number, told: Told): void {
  consequences.push({ kind: 'told', session, told });
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
  const put = moved(place, replace(place, fronted, growthOfBytes(0), context, true), fronted);
  return { root: letGo(put, fronted, hold, context), result: { kind: 'done', version: version + 1 } };
}

function abandon(
  place: Place,
  { claim, request }: Asked<'abandon'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const nothing: Written = { root, result: { kind: 'abandoned', was: 'nothing' } };
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
  const node = lineAt(place);
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
    root: replace(at, after, growthOfClaim(one, 1, 0), context, true),
    result: gained(path, one, put, context),
  };
}

function createSemaphore(
  place: Place,
  { capacity }: Asked<'semaphoreCreate'>,
  context: WriteContext,
): Written | Failure {
  return makeLine(place, 'semaphore', { capacity, open: false, auto: false }, context);
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
  if (!same || node.settings.capacity !== settings.capacity)
    return new Failure('PathExists', `Path Already exists: ${path}`, { path });
  const after = node.withSettings({ auto: false }, context.op, context.owner);
  return {
    root: replace(place, after, growthOfBytes(0), context),
    result: { kind: 'done', version: after.version },
  };
}

function resize(
  place: Place,
  { capacity }: Asked<'semaphoreResize'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const { path } = place;
  const node = lineAt(place, 'semaphore');
  if (node instanceof Failure) return node;
  if (node.settings.capacity === capacity) return { root, result: { kind: 'done', version: node.version } };
  if (node.used > capacity) return heldByOthers(path, node);
  const after = node.withSettings({ capacity }, context.op, context.owner);
  context.changes.push(makeChange(path, 'resized', after, null, capacity));
  if (!context.touched.has(path)) context.touched.set(path, 0);
  let at = moved(place, replace(place, after, growthOfBytes(0), context), after);
  for (const one of [...after.line()]) {
    if (one.permits <= capacity) continue;
    at = endWait(at, one, 'tooMany', context);
  }
  return { root: at.above[0]!, result: { kind: 'done', version: at.node!.version } };
}

/** Ends a wait for a reason that its session must be told. */
function endWait(place: Place, claim: Claim, reason: 'waitOver' | 'deleted' | 'tooMany', context: WriteContext): Place {
  const { path } = place;
  tell(context, claim.session, { path, claim: claim.claim, kind: 'ended', token: 0, reason, until: null });
  const root = leave(place, place.node as ClaimsNode, claim, context);
  return moved(place, root, nodeBeneath(root, place.parts));
}

function nodeBeneath(root: DirectoryNode, parts: readonly string[]): TreeNode {
  let node: TreeNode = root;
  for (const part of parts) node = (node as DirectoryNode).child(part)!;
  return node;
}

function setBarrier(
  place: Place,
  { open }: Asked<'barrierSet'>,
  context: WriteContext,
  root: DirectoryNode,
): Written | Failure {
  const { path } = place;
  const node = lineAt(place, 'barrier');
  if (node instanceof Failure) return node;
  if (node.settings.open === open) return { root, result: { kind: 'done', version: node.version } };
  const after = node.withSettings({ open }, context.op, context.owner);
  context.changes.push(makeChange(path, open ? 'opened' : 'closed', after, null, null));
  if (!context.touched.has(path)) context.touched.set(path, 0);
  return { root: replace(place, after, growthOfBytes(0), context), result: { kind: 'done', version: after.version } };
}

function proclaim(place: Place, { claim, token, value }: Asked<'proclaim'>, context: WriteContext): Written | Failure {
  const { path } = place;
  if (place.node === null) return notHeld(path, claim, token);
  const node = lineAt(place, 'election');
  if (node instanceof Failure) return node;
  const hold = node.hold(claim);
  if (hold === undefined || hold.token !== token || hold.until !== null || hold.session !== context.acting.session)
    return notHeld(path, claim, token);
  const after: Hold = { ...hold, value: store(value) };
  const growth = growthOfBytes(bytesOfClaim(after) - bytesOfClaim(hold));
  const full = refuseGrowth(place, growth, context.limits);
  if (full !== null) return full;
  const changed = node.replacing(hold, after, context.op, context.owner);
  context.changes.push(claimChange(path, 'proclaimed', changed, after));
  return { root: replace(place, changed, growth, context), result: { kind: 'done', version: changed.version } };
}

/** What the group itself does to one claim, by an entry that says that its time has come (coordination §6, §14). */
export type ClaimStep =
  /** Its session has ended. */
  | { readonly kind: 'giveUp'; readonly path: string; readonly id: Op }
  | { readonly kind: 'waitOver'; readonly path: string; readonly id: Op }
  | { readonly kind: 'shadowOver'; readonly path: string; readonly id: Op }
  /** Another process continues with the ClientID of its session. */
  | { readonly kind: 'continued'; readonly path: string; readonly id: Op; readonly until: number };

/** Does a step. One that no longer applies changes nothing. */
export function applyStep(place: Place, step: ClaimStep, context: WriteContext, root: DirectoryNode): DirectoryNode {
  const { node } = place;
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
  }
}

/** Why a node cannot be deleted now: it is held, or something beneath it is (coordination §6). */
export function refuseDelete(node: TreeNode, path: string): Failure | null {
  if (node.held === 0) return null;
  return new Failure('Held', `Held: ${path} (held by ${node.held})`, { path, held: node.held });
}

/** Tells all who wait at and beneath a node that is deleted. */
export function endWaits(node: TreeNode, path: string, context: WriteContext): void {
  if (node.owned === 0) return;
  if (node instanceof DirectoryNode) {
    for (const child of node.children.values()) endWaits(child, childPath(path, child.name), context);
    return;
  }
  if (!(node instanceof ClaimsNode)) return;
  for (const one of node.line()) {
    const { claim, session, waitUntil } = one;
    const belonging = { path, id: claim };
    tell(context, session, { path, claim, kind: 'ended', token: 0, reason: 'deleted', until: null });
    context.consequences.push({ kind: 'gaveUp', session, belonging });
    if (waitUntil !== null)
      context.consequences.push({ kind: 'notDue', deadline: { ...belonging, kind: 'wait', at: waitUntil } });
  }
}

/** Why an operation cannot be part of a transaction: nothing in one may wait (coordination §12). */
export function refuseTogether(operation: SimpleOperation): Failure | null {
  if (operation.kind === 'claim' && operation.waitMs !== 0)
    return badArgument('A claim in a transaction cannot wait: its waitMs must be 0', {
      path: operation.path,
      field: 'waitMs',
    });
  if (operation.kind === 'steal') return badArgument('A transaction cannot steal', { path: operation.path });
  return null;
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

function leader(root: DirectoryNode, { path }: Asked<'leader'>): SimpleResult | Failure {
  const found = find(root, path);
  if (found instanceof Failure) return found;
  const node = lineOf(found, path, 'election');
  if (node instanceof Failure) return node;
  for (const hold of node.holds())
    if (hold.until === null) return { kind: 'leader', leader: knownClaim(hold), version: node.version };
  return { kind: 'leader', leader: null, version: node.version };
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

/** What all types of claims have in common. */
function leafOf<T extends Exclude<ClaimType, 'semaphore'>>(
  type: T,
): Pick<LeafRules<T>, 'lastTellsAll' | 'refuseCreate' | 'make'> {
  return {
    lastTellsAll: false,
    refuseCreate: (value) => (value === null ? null : badArgument(`A ${type} is created without a value`, { type })),
    make: (name, op) => emptyLine(name, op, type, { capacity: null, open: false, auto: false }),
  };
}

export const lockRules: LeafRules<'lock'> = { ...leafOf('lock'), writes: {}, upserts: {}, reads: {}, guards: {} };

export const semaphoreRules: LeafRules<'semaphore'> = {
  lastTellsAll: false,
  refuseCreate: () => badArgument('A semaphore is created with its permits, by semaphoreCreate', { type: 'semaphore' }),
  make: (name, op) => emptyLine(name, op, 'semaphore', { capacity: 1, open: false, auto: false }),
  writes: {
    semaphoreCreate: { grows: true, refuse: onlyPath, apply: createSemaphore },
    semaphoreResize: { grows: false, refuse: onlyPath, apply: resize },
  },
  upserts: {},
  reads: {},
  guards: {},
};

export const barrierRules: LeafRules<'barrier'> = {
  ...leafOf('barrier'),
  writes: { barrierSet: { grows: false, refuse: onlyPath, apply: setBarrier } },
  upserts: {},
  reads: {},
  guards: {},
};

export const electionRules: LeafRules<'election'> = {
  ...leafOf('election'),
  writes: { proclaim: { grows: true, refuse: onlyPath, apply: proclaim } },
  upserts: {},
  reads: { leader: { refuse: onlyPath, read: leader } },
  guards: {},
};
