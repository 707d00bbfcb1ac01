/**
 * Judges an operation without looking at the tree: whether it can be refused before it takes a place in the log, and
 * whether it may make the tree larger.
 */

import type { ErrorInfo } from '../base/errors.ts';
import { limitExceeded } from './failure.ts';
import type { Failure } from './failure.ts';
import { refuseTogether } from './kinds/claims.ts';
import { readRule, upsertRule, writeRule } from './kinds/index.ts';
import type { ValidationLimits } from './kinds/rules.ts';
import { onlyPath } from './kinds/steps.ts';
import type { Operation, SimpleOperation } from './operation.ts';
import { isWrite } from './reading.ts';

export type { ValidationLimits } from './kinds/rules.ts';

function refuseSimple(operation: SimpleOperation, limits: ValidationLimits): Failure | null {
  if (!isWrite(operation)) return readRule(operation.kind).refuse(operation);
  if (operation.kind !== 'upsert') return writeRule(operation.kind).refuse(operation, limits);
  const { operation: inner } = operation;
  return writeRule(inner.kind).refuse(inner, limits) ?? upsertRule(inner.kind).refuse(inner);
}

function first<T>(items: readonly T[], part: string, refuse: (item: T) => Failure | null): Failure | null {
  for (let index = 0; index < items.length; index++) {
    const failure = refuse(items[index]!);
    if (failure !== null) return failure.with({ index, part });
  }
  return null;
}

/**
 * Refuses an operation before it is proposed: for malformed paths, values over the limit, too many items, and types
 * that the feature level does not have. The tree judges the rest when the operation is applied.
 */
export function validateOperation(operation: Operation, limits: ValidationLimits): ErrorInfo | null {
  if (operation.kind !== 'transaction') return refuseSimple(operation, limits)?.error ?? null;
  const { guards, then, otherwise } = operation;
  const items = guards.length + then.length + otherwise.length;
  if (items > limits.maxTransactionItems)
    return limitExceeded('maxTransactionItems', limits.maxTransactionItems, items).error;
  const refuse = (one: SimpleOperation): Failure | null => refuseTogether(one) ?? refuseSimple(one, limits);
  const failure =
    first(guards, 'guards', onlyPath) ?? first(then, 'then', refuse) ?? first(otherwise, 'otherwise', refuse);
  return failure?.error ?? null;
}

/** False for an operation that leaves the tree as large or smaller, whatever the tree holds. */
export function mayGrow(operation: Operation): boolean {
  if (operation.kind === 'transaction') return operation.then.some(mayGrow) || operation.otherwise.some(mayGrow);
  return isWrite(operation) && (operation.kind === 'upsert' || writeRule(operation.kind).grows);
}
