/** Transactions: guards that are all judged in the state before, and operations that happen all or not at all (architecture §3). */

import { unreachable } from '../base/assert.ts';
import { Failure, limitExceeded } from './failure.ts';
import type { DirectoryNode, TreeNode } from './node.ts';
import type { Guard, Operation, OperationResult, SimpleOperation, SimpleResult } from './operation.ts';
import { isRead } from './reading.ts';
import { locate } from './place.ts';
import { read } from './read.ts';
import { equalsStored } from './stored.ts';
import { write } from './write.ts';
import type { WriteContext, WriteOperation, Written } from './write.ts';

export type Transaction = Extract<Operation, { readonly kind: 'transaction' }>;

export interface Applied {
  readonly root: DirectoryNode;
  readonly result: OperationResult;
}

export function isWrite(operation: SimpleOperation): operation is WriteOperation {
  return !isRead(operation);
}

/** One operation that is no transaction. */
export function applySimple(root: DirectoryNode, operation: SimpleOperation, context: WriteContext): Written | Failure {
  if (isWrite(operation)) return write(root, operation, context);
  const result = read(root, operation, context.budget);
  return result instanceof Failure ? result : { root, result };
}

/** Judges a guard on what is at its path; null stands for nothing. */
function holdsFor(guard: Guard, node: TreeNode | null): boolean {
  if (guard.kind === 'absent') return node === null;
  if (node === null) return false;
  switch (guard.kind) {
    case 'exists':
      return true;
    case 'version':
      return node.version === guard.version;
    case 'created':
      return node.created === guard.op;
    case 'modified':
      return node.modified === guard.op;
    case 'type':
      return node.type === guard.type;
    case 'blobValue':
      return node.type === 'blob' && equalsStored(node.value, guard.value);
    case 'blobSize':
      return node.type === 'blob' && node.value.length === guard.size;
    case 'setMember':
      return node.type === 'set' && node.members.has(guard.member);
    case 'held':
      // No lock can be made at this feature level, so none is held.
      return false;
    default:
      return unreachable(guard);
  }
}

/** Each guard is looked up at its own path from the root; nothing is shared between them that could confuse two. */
function holds(root: DirectoryNode, guard: Guard): boolean | Failure {
  const place = locate(root, guard.path);
  if (!(place instanceof Failure)) return holdsFor(guard, place.node);
  return place.error.code === 'PathMustBeDirectory' ? holdsFor(guard, null) : place;
}

function allHold(root: DirectoryNode, guards: readonly Guard[]): boolean | Failure {
  let all = true;
  for (let index = 0; index < guards.length; index++) {
    const one = holds(root, guards[index]!);
    // A malformed path is an error even behind a guard that fails, so that the answer hangs on no order.
    if (one instanceof Failure) return one.with({ index, part: 'guards' });
    all &&= one;
  }
  return all;
}

/** @returns a failure that names the operation by `index` and `part`; the caller keeps the root that it had. */
export function applyTransaction(
  root: DirectoryNode,
  transaction: Transaction,
  context: WriteContext,
): Applied | Failure {
  const { guards, then, otherwise } = transaction;
  const items = guards.length + then.length + otherwise.length;
  const { maxTransactionItems } = context.limits;
  if (items > maxTransactionItems) return limitExceeded('maxTransactionItems', maxTransactionItems, items);
  const held = allHold(root, guards);
  if (held instanceof Failure) return held;
  const operations = held ? then : otherwise;
  const results: SimpleResult[] = [];
  let after = root;
  for (let index = 0; index < operations.length; index++) {
    const done = applySimple(after, operations[index]!, context);
    if (done instanceof Failure) return done.with({ index, part: held ? 'then' : 'otherwise' });
    after = done.root;
    results.push(done.result);
  }
  return { root: after, result: { kind: 'transaction', held, results } };
}
