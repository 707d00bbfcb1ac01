/**
 * Transactions: guards that are all judged in the state before the transaction, and operations that are all done or not
 * at all (architecture §3).
 */

import { Failure, limitExceeded } from './failure.ts';
import { refuseTogether } from './kinds/claims.ts';
import { guardRule } from './kinds/index.ts';
import type { WriteContext, Written } from './kinds/rules.ts';
import type { DirectoryNode, TreeNode } from './node.ts';
import type { Guard, Operation, OperationResult, SimpleOperation, SimpleResult } from './operation.ts';
import { isWrite } from './reading.ts';
import { locate } from './place.ts';
import { read } from './read.ts';
import { write } from './write.ts';

export type Transaction = Extract<Operation, { readonly kind: 'transaction' }>;

export interface Applied {
  readonly root: DirectoryNode;
  readonly result: OperationResult;
}

/** Does one operation that is not a transaction. */
export function applySimple(root: DirectoryNode, operation: SimpleOperation, context: WriteContext): Written | Failure {
  if (isWrite(operation)) return write(root, operation, context);
  const result = read(root, operation, context.budget);
  return result instanceof Failure ? result : { root, result };
}

/** Judges a guard on the node at its path. Null means that no node exists there. */
function holdsFor(guard: Guard, node: TreeNode | null): boolean {
  return node === null ? guard.kind === 'absent' : guardRule(guard.kind)(node, guard);
}

/** Looks a guard up at its own path from the root. Guards share nothing that could mix them up. */
function holds(root: DirectoryNode, guard: Guard): boolean | Failure {
  const place = locate(root, guard.path);
  if (!(place instanceof Failure)) return holdsFor(guard, place.node);
  return place.error.code === 'PathMustBeDirectory' ? holdsFor(guard, null) : place;
}

function allHold(root: DirectoryNode, guards: readonly Guard[]): boolean | Failure {
  let all = true;
  for (let index = 0; index < guards.length; index++) {
    const one = holds(root, guards[index]!);
    // A malformed path is an error even after a guard that does not hold, so that the answer does not depend on the
    // order.
    if (one instanceof Failure) return one.with({ index, part: 'guards' });
    all &&= one;
  }
  return all;
}

/** @returns a failure that names the operation with `index` and `part`. The caller then keeps the root that it had. */
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
    const operation = operations[index]!;
    const done = refuseTogether(operation) ?? applySimple(after, operation, context);
    if (done instanceof Failure) return done.with({ index, part: held ? 'then' : 'otherwise' });
    after = done.root;
    results.push(done.result);
  }
  return { root: after, result: { kind: 'transaction', held, results } };
}
