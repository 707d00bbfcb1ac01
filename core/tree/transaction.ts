/** Transactions: guards that are all judged in the state before, and operations that happen all or not at all (architecture §3). */

import { Failure, limitExceeded } from './failure.ts';
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

/** One operation that is no transaction. */
export function applySimple(root: DirectoryNode, operation: SimpleOperation, context: WriteContext): Written | Failure {
  if (isWrite(operation)) return write(root, operation, context);
  const result = read(root, operation, context.budget);
  return result instanceof Failure ? result : { root, result };
}

/** Judges a guard on what is at its path; null stands for nothing. */
function holdsFor(guard: Guard, node: TreeNode | null): boolean {
  return node === null ? guard.kind === 'absent' : guardRule(guard.kind)(node, guard);
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
