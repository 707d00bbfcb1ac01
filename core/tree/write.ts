/** The operations that change the tree, one at a time. Each gives a new root, or the same one when it changed nothing. */

import { emptyBytes, textOf } from '../base/bytes.ts';
import { unreachable } from '../base/assert.ts';
import { Failure, alreadyExists, badArgument, guardFailed, limitExceeded, notFound } from './failure.ts';
import type { TreeChange } from './change.ts';
import { createdChange, deletedChange, makeChange } from './change.ts';
import type { ResultBudget, TreeLimits } from './limits.ts';
import { BlobNode, CounterNode, DirectoryNode, QueueNode, SetNode, itemOverheadBytes, ownMember } from './node.ts';
import type { TreeNode } from './node.ts';
import type { NodeType, SimpleOperation, SimpleResult, Upsertable } from './operation.ts';
import { attach, growthOf, locate, nodeAt, refuseGrowth, replace } from './place.ts';
import type { ChangeContext, Place } from './place.ts';
import { equalsStored, load, store } from './stored.ts';

export type WriteKind =
  | 'create'
  | 'delete'
  | 'blobPut'
  | 'queuePush'
  | 'queuePop'
  | 'setInsert'
  | 'setRemove'
  | 'counterAdd'
  | 'blobCas'
  | 'upsert';
export type WriteOperation = Extract<SimpleOperation, { readonly kind: WriteKind }>;

export interface Written {
  readonly root: DirectoryNode;
  readonly result: SimpleResult;
}

/** What a write is done with besides the operation. */
export interface WriteContext extends ChangeContext {
  readonly budget: ResultBudget;
  /** Every change is added here, in order; whoever gives up what was done gives these up too. */
  readonly changes: TreeChange[];
}

/** A counter takes the same room whatever it stands at. */
const noGrowth = { bytes: 0, nodes: 0 };

const decimal = /^-?(?:0|[1-9][0-9]{0,15})$/;

/** The number that a counter is created with: whole, in decimal, canonical, within +-(2^53 - 1); else null. */
export function counterValue(value: Uint8Array): number | null {
  const text = value.length <= 17 ? textOf(value) : null;
  if (text === null || !decimal.test(text) || text === '-0') return null;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : null;
}

/** What is wrong with creating a node of this type with this value, whatever the tree holds. */
export function refuseCreate(type: NodeType, value: Uint8Array | null): Failure | null {
  switch (type) {
    case 'blob':
      return null;
    case 'counter':
      if (value === null || counterValue(value) !== null) return null;
      return badArgument('The value of a counter is a whole number within +-(2^53 - 1)', { type });
    case 'directory':
    case 'queue':
    case 'set':
      return value === null ? null : badArgument(`A ${type} is created without a value`, { type });
    default:
      return new Failure(
        'UnknownOperation',
        `Unknown operation: the feature level of this cluster has no ${type} yet`,
        {
          operation: 'create',
          type,
        },
      );
  }
}

function makeNode(type: NodeType, name: string, op: number, value: Uint8Array | null): TreeNode {
  switch (type) {
    case 'blob':
      return new BlobNode(name, 0, op, op, store(value ?? emptyBytes));
    case 'counter':
      return new CounterNode(name, 0, op, op, value === null ? 0 : counterValue(value)!);
    case 'queue':
      return QueueNode.empty(name, op);
    case 'set':
      return SetNode.empty(name, op);
    default:
      return DirectoryNode.empty(name, op);
  }
}

function tooLarge(value: Uint8Array, limits: TreeLimits, path: string): Failure | null {
  if (value.length <= limits.maxValueBytes) return null;
  return limitExceeded('maxValueBytes', limits.maxValueBytes, value.length, { path });
}

function checkVersion(node: TreeNode, path: string, ifVersion: number | null): Failure | null {
  if (ifVersion === null || node.version === ifVersion) return null;
  return guardFailed(path, 'version', { expected: ifVersion, actual: node.version });
}

function create(place: Place, type: NodeType, value: Uint8Array | null, context: WriteContext): Written | Failure {
  const { op, limits } = context;
  const refused = refuseCreate(type, value) ?? (value === null ? null : tooLarge(value, limits, place.path));
  if (refused !== null) return refused;
  if (place.node !== null) return alreadyExists(place.path);
  let made: TreeNode | null = null;
  const root = attach(place, (name) => (made = makeNode(type, name, op, value)), context);
  if (root instanceof Failure) return root;
  tellCreated(place, made!, context.changes);
  return { root, result: { kind: 'done', version: 0 } };
}

/** Tells of a new node and of the directories that were made for it. */
function tellCreated(place: Place, node: TreeNode, changes: TreeChange[]): void {
  const { path, parts, above } = place;
  for (let depth = above.length; depth < parts.length; depth++) {
    const directory = `/${parts.slice(0, depth).join('/')}`;
    changes.push({ ...createdDirectory, path: directory });
  }
  changes.push(createdChange(path, node));
}

const createdDirectory = {
  kind: 'created',
  type: 'directory',
  version: 0,
  value: null,
  number: null,
  removed: null,
} as const;

function remove(place: Place, recursive: boolean, ifVersion: number | null, context: WriteContext): Written | Failure {
  const { node, path } = place;
  if (place.parts.length === 0) return new Failure('CannotDeleteRoot', 'Cannot delete root', { path });
  if (node === null) return notFound(path);
  const refused = checkVersion(node, path, ifVersion);
  if (refused !== null) return refused;
  if (node instanceof DirectoryNode && node.count > 0 && !recursive)
    return new Failure('DirectoryNotEmpty', `Directory is not empty: ${path}`, { path, children: node.count });
  context.changes.push(deletedChange(path, node));
  const growth = growthOf(node, null);
  return { root: replace(place, null, growth, context), result: { kind: 'done', version: node.version } };
}

function blobPut(
  place: Place,
  operation: Extract<WriteOperation, { readonly kind: 'blobPut' }>,
  context: WriteContext,
): Written | Failure {
  const { path, value, ifAbsent, ifVersion } = operation;
  const large = tooLarge(value, context.limits, path);
  if (large !== null) return large;
  if (ifAbsent) {
    if (ifVersion !== null) return badArgument('ifVersion and ifAbsent exclude each other', { path });
    if (place.node !== null) return guardFailed(path, 'absent', { actual: place.node.version });
    return create(place, 'blob', value, context);
  }
  const blob = nodeAt(place, 'blob');
  if (blob instanceof Failure) return blob;
  const refused = checkVersion(blob, path, ifVersion);
  if (refused !== null) return refused;
  return putValue(place, blob, value, context);
}

function putValue(place: Place, blob: BlobNode, value: Uint8Array, context: WriteContext): Written | Failure {
  const growth = { bytes: value.length - blob.bytes, nodes: 0 };
  const refused = refuseGrowth(place, growth, context.limits);
  if (refused !== null) return refused;
  const after = blob.withValue(store(value), context.op, context.owner);
  context.changes.push(makeChange(place.path, 'put', after, after.value, null));
  return { root: replace(place, after, growth, context), result: { kind: 'done', version: after.version } };
}

function blobCas(place: Place, expected: Uint8Array, value: Uint8Array, context: WriteContext): Written | Failure {
  const large = tooLarge(value, context.limits, place.path);
  if (large !== null) return large;
  const blob = nodeAt(place, 'blob');
  if (blob instanceof Failure) return blob;
  if (!equalsStored(blob.value, expected)) return guardFailed(place.path, 'blobValue', { actual: blob.version });
  return putValue(place, blob, value, context);
}

function queuePush(place: Place, value: Uint8Array, context: WriteContext): Written | Failure {
  const { op, limits, changes, owner } = context;
  const queue = nodeAt(place, 'queue');
  if (queue instanceof Failure) return queue;
  const large = tooLarge(value, limits, place.path);
  if (large !== null) return large;
  if (queue.count >= limits.maxChildren)
    return limitExceeded('maxChildren', limits.maxChildren, queue.count + 1, { path: place.path });
  const growth = { bytes: value.length + itemOverheadBytes, nodes: 0 };
  const refused = refuseGrowth(place, growth, limits);
  if (refused !== null) return refused;
  const item = store(value);
  const after = queue.pushed(item, op, owner);
  changes.push(makeChange(place.path, 'pushed', after, item, null));
  return { root: replace(place, after, growth, context), result: { kind: 'done', version: after.version } };
}

function queuePop(root: DirectoryNode, place: Place, context: WriteContext): Written | Failure {
  const { op, budget, changes, owner } = context;
  const queue = nodeAt(place, 'queue');
  if (queue instanceof Failure) return queue;
  const value = queue.front();
  if (value === null) return { root, result: { kind: 'value', value: null, version: queue.version } };
  if (!budget.take(value.length))
    return limitExceeded('maxResultBytes', budget.maxBytes, budget.with(value.length), { path: place.path });
  const after = queue.popped(op, owner);
  changes.push(makeChange(place.path, 'popped', after, value, null));
  const growth = { bytes: -value.length - itemOverheadBytes, nodes: 0 };
  return {
    root: replace(place, after, growth, context),
    result: { kind: 'value', value: load(value), version: after.version },
  };
}

function setChange(
  root: DirectoryNode,
  place: Place,
  member: Uint8Array,
  present: boolean,
  context: WriteContext,
): Written | Failure {
  const { op, limits, changes, owner } = context;
  const set = nodeAt(place, 'set');
  if (set instanceof Failure) return set;
  const large = tooLarge(member, limits, place.path);
  if (large !== null) return large;
  if (set.members.has(member) === present)
    return { root, result: { kind: 'truth', truth: false, version: set.version } };
  if (present && set.count >= limits.maxChildren)
    return limitExceeded('maxChildren', limits.maxChildren, set.count + 1, { path: place.path });
  const bytes = member.length + itemOverheadBytes;
  const growth = { bytes: present ? bytes : -bytes, nodes: 0 };
  const refused = refuseGrowth(place, growth, limits);
  if (refused !== null) return refused;
  const own = ownMember(member);
  const after = present ? set.inserted(own, op, owner) : set.removed(own, op, owner);
  changes.push(makeChange(place.path, present ? 'inserted' : 'removed', after, own, null));
  return {
    root: replace(place, after, growth, context),
    result: { kind: 'truth', truth: true, version: after.version },
  };
}

function counterAdd(root: DirectoryNode, place: Place, by: number, context: WriteContext): Written | Failure {
  const counter = nodeAt(place, 'counter');
  if (counter instanceof Failure) return counter;
  const sum = counter.value + by;
  if (!Number.isSafeInteger(sum))
    return new Failure('CounterOverflow', 'Counter would pass +-(2^53 - 1)', {
      path: place.path,
      limit: Number.MAX_SAFE_INTEGER,
      value: counter.value,
      by,
    });
  if (by === 0) return { root, result: { kind: 'number', number: sum, version: counter.version } };
  const after = counter.withValue(sum, context.op);
  context.changes.push(makeChange(place.path, 'counted', after, null, sum));
  return {
    root: replace(place, after, noGrowth, context),
    result: { kind: 'number', number: sum, version: after.version },
  };
}

/** What an upsert makes where nothing is, before it does what it is for. */
const madeFor = { queuePush: 'queue', setInsert: 'set', counterAdd: 'counter' } as const;

/** What is wrong with such an upsert, whatever the tree holds. */
export function refuseUpsert(operation: Upsertable): Failure | null {
  if (operation.kind !== 'blobPut' || (operation.ifVersion === null && !operation.ifAbsent)) return null;
  return badArgument('An upsert goes with neither ifVersion nor ifAbsent', { path: operation.path });
}

function upsert(root: DirectoryNode, operation: Upsertable, context: WriteContext): Written | Failure {
  const { path } = operation;
  const place = locate(root, path);
  if (place instanceof Failure) return place;
  const refused = refuseUpsert(operation);
  if (refused !== null) return refused;
  if (place.node !== null) return write(root, operation, context);
  if (operation.kind === 'blobPut') return create(place, 'blob', operation.value, context);
  // Both steps or none: what the first makes is put beside what is there, never into it, as long as the second can fail.
  const apart = { ...context, owner: null };
  const made = create(place, madeFor[operation.kind], null, apart);
  return made instanceof Failure ? made : write(made.root, operation, apart);
}

/** Does one write. A failure has changed nothing, also not in place. */
export function write(root: DirectoryNode, operation: WriteOperation, context: WriteContext): Written | Failure {
  if (operation.kind === 'upsert') return upsert(root, operation.operation, context);
  const place = locate(root, operation.path);
  if (place instanceof Failure) return place;
  switch (operation.kind) {
    case 'create':
      return create(place, operation.type, operation.value, context);
    case 'delete':
      return remove(place, operation.recursive, operation.ifVersion, context);
    case 'blobPut':
      return blobPut(place, operation, context);
    case 'blobCas':
      return blobCas(place, operation.expected, operation.value, context);
    case 'queuePush':
      return queuePush(place, operation.value, context);
    case 'queuePop':
      return queuePop(root, place, context);
    case 'setInsert':
      return setChange(root, place, operation.member, true, context);
    case 'setRemove':
      return setChange(root, place, operation.member, false, context);
    case 'counterAdd':
      return counterAdd(root, place, operation.by, context);
    default:
      return unreachable(operation);
  }
}
