/** Ephemeral and sequential nodes, and nodes with a time to live (coordination §9). */

import type { Op } from '../../base/ids.ts';
import { Failure, badArgument, limitExceeded, notFound } from '../failure.ts';
import type { NodeType } from '../names.ts';
import { DirectoryNode, isLeafType } from '../node.ts';
import type { TreeNode } from '../node.ts';
import type { BlobNode } from '../nodes/blob.ts';
import { emptyLine } from '../nodes/claims.ts';
import type { Life } from '../nodes/life.ts';
import type { Asked, SimpleResult } from '../operation.ts';
import { locate, tellTtl, withLife } from '../place.ts';
import type { Place } from '../place.ts';
import { putValue } from './blob.ts';
import { leafRules } from './leaves.ts';
import { isClaimType, makeLine } from './line.ts';
import { create, refuseCreate } from './node.ts';
import type { Rules, ValidationLimits, WriteContext, Written } from './rules.ts';
import { badPath, makeAt, occupied, onlyPath, refuseBelonging, tooLarge } from './steps.ts';

/** How many digits of the op a sequential name gets. No op has more. */
const opDigits = 16;
/** How many digits the second and later ones of a transaction get besides. So many are enough for its items. */
const placeDigits = 4;
const maxSequential = 10 ** placeDigits;

/**
 * A line of claims is never ephemeral, because others may hold it when its owner ends. Its claims end with their
 * sessions anyway.
 */
function canBeEphemeral(type: NodeType): boolean {
  return isLeafType(type) && !isClaimType(type);
}

type CreateWith = Asked<'createWith'>;

/** The path of a sequential node. Names sort in the order in which they were made, and none is ever made twice. */
function sequenced(path: string, op: number, place: number): string {
  const digits = `${path}${String(op).padStart(opDigits, '0')}`;
  return place === 0 ? digits : `${digits}.${String(place).padStart(placeDigits, '0')}`;
}

function badType({ path, type, value, capacity }: CreateWith): Failure | null {
  if (type !== 'semaphore')
    return capacity === null
      ? refuseCreate(type, value)
      : badArgument(`A ${type} has no capacity`, { path, field: 'capacity' });
  if (capacity === null) return badArgument('A semaphore is created with a capacity', { path, field: 'capacity' });
  return value === null ? null : badArgument('A semaphore is created without a value', { path, field: 'value' });
}

/** Options that exclude each other, whatever the tree holds. */
function badOptions({ path, type, ephemeral: ends, sequential, adopt, leaseMs }: CreateWith): Failure | null {
  const wrong = (text: string, field: string): Failure => badArgument(text, { path, field });
  if (ends && !canBeEphemeral(type)) return wrong(`A ${type} is never ephemeral`, 'ephemeral');
  if (adopt && !ends) return wrong('Only an ephemeral can be adopted', 'adopt');
  if (adopt && sequential) return wrong('A sequential node is always a new one, and cannot be adopted', 'adopt');
  if (leaseMs !== null && !ends) return wrong('Only an ephemeral needs a lease', 'leaseMs');
  return null;
}

function refuse(asked: CreateWith, limits: Pick<ValidationLimits, 'maxValueBytes'>): Failure | null {
  const { path, value, sequential } = asked;
  return (
    badPath(path) ??
    (sequential ? badPath(sequenced(path, 0, 0)) : null) ??
    badType(asked) ??
    badOptions(asked) ??
    tooLarge(value, limits, path)
  );
}

function createWith(place: Place, asked: CreateWith, context: WriteContext, root: DirectoryNode): Written | Failure {
  const refused = refuse(asked, context.limits);
  if (refused !== null) return refused;
  const at = asked.sequential ? nextPlace(root, asked.path, context) : place;
  if (at instanceof Failure) return at;
  if (asked.ephemeral && context.acting.session === 0)
    return badArgument('An ephemeral needs a session', { path: asked.path });
  if (at.node === null) return makeNew(at, asked, context);
  return asked.adopt ? adopt(at, at.node, asked, context) : makeStay(at, asked, context);
}

function nextPlace(root: DirectoryNode, path: string, { op, sequence }: WriteContext): Place | Failure {
  if (sequence.next === maxSequential)
    return limitExceeded('maxSequential', maxSequential, maxSequential + 1, { path });
  return locate(root, sequenced(path, op, sequence.next++));
}

function lifeOf({ ephemeral: ends, ttlMs }: CreateWith, { acting }: WriteContext): Life | null {
  if (!ends && ttlMs === null) return null;
  return { owner: ends ? acting.session : 0, ttlMs: ttlMs ?? 0, since: acting.now };
}

function makeNew(place: Place, asked: CreateWith, context: WriteContext): Written | Failure {
  const { type, value, capacity, leaseMs, auto } = asked;
  const { op, acting, consequences } = context;
  const { path } = place;
  if (asked.ephemeral) {
    const refused = refuseBelonging(context, leaseMs);
    if (refused !== null) return refused;
  }
  let node: TreeNode | null = null;
  const make = (name: string): TreeNode => {
    node = newNode(name, op, type, value, capacity);
    node.life = lifeOf(asked, context);
    return node;
  };
  const made = makeAt(place, make, context, auto);
  if (made instanceof Failure) return made;
  tellTtl(node!, path, context);
  const belonging = { kind: 'ephemeral', path, id: op } as const;
  if (asked.ephemeral) consequences.push({ kind: 'gained', session: acting.session, belonging, leaseMs });
  return { root: made.root, result: created(path, 0, context.op, context) };
}

function newNode(
  name: string,
  op: number,
  type: NodeType,
  value: Uint8Array | null,
  capacity: number | null,
): TreeNode {
  if (type === 'semaphore') return emptyLine(name, op, type, { capacity, open: false, auto: false });
  return isLeafType(type) ? leafRules[type].make(name, op, value) : DirectoryNode.empty(name, op);
}

function created(path: string, version: number, op: Op, { acting }: WriteContext): SimpleResult {
  const { now, session, sessions } = acting;
  return { kind: 'created', path, version, created: op, clock: now, changed: sessions.changed(session) };
}

/** The same session has it already: it was made by the process before, or under another connection. */
function adopt(place: Place, node: TreeNode, asked: CreateWith, context: WriteContext): Written | Failure {
  const { path } = place;
  const { life } = node;
  const mine = life !== null && life.owner === context.acting.session && node.type === asked.type;
  if (!mine) return occupied(node, path, context);
  const refused = refuseBelonging(context, asked.leaseMs, 0);
  if (refused !== null) return refused;
  const root = withLife(place, lifeOf(asked, context)!, context);
  const { value } = asked;
  if (value === null || node.type !== 'blob')
    return { root, result: created(path, node.version, node.created, context) };
  const now = locate(root, path) as Place;
  const put = putValue(now, now.node as BlobNode, value, context);
  return put instanceof Failure
    ? put
    : { root: put.root, result: created(path, node.version + 1, node.created, context) };
}

/** Something that a claim made stays from now on (coordination §4), and has the time to live that is asked for. */
function makeStay(place: Place, asked: CreateWith, context: WriteContext): Written | Failure {
  const { type, value, capacity } = asked;
  if (asked.ephemeral) return occupied(place.node!, place.path, context);
  const stays =
    type === 'semaphore'
      ? makeLine(place, type, { capacity, open: false, auto: false }, context)
      : create(place, { type, value }, context);
  if (stays instanceof Failure) return stays;
  const at = locate(stays.root, place.path) as Place;
  const life = lifeOf(asked, context);
  const root = life === null ? stays.root : withLife(at, life, context);
  const { version, created: since } = at.node!;
  return { root, result: created(place.path, version, since, context) };
}

function touch(place: Place, { path }: Asked<'touch'>, context: WriteContext): Written | Failure {
  const { node } = place;
  if (node === null) return notFound(path);
  const { life, version } = node;
  if (life === null || life.ttlMs === 0)
    return badArgument(`There is nothing to renew: ${path} has no time to live`, { path, field: 'ttlMs' });
  const root = withLife(place, { ...life, since: context.acting.now }, context);
  return { root, result: { kind: 'done', version } };
}

export const livesRules: Rules<'lives'> = {
  writes: {
    createWith: { grows: true, refuse, apply: createWith },
    touch: { grows: false, refuse: onlyPath, apply: touch },
  },
  upserts: {},
  reads: {},
  guards: { owner: ({ life }, { session }) => life !== null && life.owner !== 0 && life.owner === session },
};
