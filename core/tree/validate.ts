/** What can be refused without looking at the tree, so that it never takes a place in the log. */

import type { ErrorInfo } from '../base/errors.ts';
import { Failure, badArgument, limitExceeded } from './failure.ts';
import type { TreeLimits } from './limits.ts';
import type { Guard, Operation, SimpleOperation } from './operation.ts';
import { isPartName, parsePath } from './path.ts';
import { refuseCreate, refuseUpsert } from './write.ts';

export type ValidationLimits = Pick<TreeLimits, 'maxValueBytes' | 'maxTransactionItems'>;

function badPath(...paths: readonly string[]): Failure | null {
  for (const path of paths) {
    const parts = parsePath(path);
    if (parts instanceof Failure) return parts;
  }
  return null;
}

function badValue(value: Uint8Array | null, limits: ValidationLimits, path: string): Failure | null {
  if (value === null || value.length <= limits.maxValueBytes) return null;
  return limitExceeded('maxValueBytes', limits.maxValueBytes, value.length, { path });
}

function badPut(
  operation: Extract<SimpleOperation, { readonly kind: 'blobPut' }>,
  limits: ValidationLimits,
): Failure | null {
  const { path, value, ifAbsent, ifVersion } = operation;
  if (ifAbsent && ifVersion !== null) return badArgument('ifVersion and ifAbsent exclude each other', { path });
  return badValue(value, limits, path);
}

function badChildName(name: string | null, path: string): Failure | null {
  if (name === null || isPartName(name)) return null;
  return badArgument('A page goes on after the name of a child', { path });
}

function refuseSimple(operation: SimpleOperation, limits: ValidationLimits): Failure | null {
  switch (operation.kind) {
    case 'create':
      return (
        badPath(operation.path) ??
        refuseCreate(operation.type, operation.value) ??
        badValue(operation.value, limits, operation.path)
      );
    case 'delete':
      if (operation.path === '/') return new Failure('CannotDeleteRoot', 'Cannot delete root', { path: '/' });
      return badPath(operation.path);
    case 'blobPut':
      return badPath(operation.path) ?? badPut(operation, limits);
    case 'upsert':
      return refuseSimple(operation.operation, limits) ?? refuseUpsert(operation.operation);
    case 'blobCas':
    case 'queuePush':
      return badPath(operation.path) ?? badValue(operation.value, limits, operation.path);
    case 'setInsert':
    case 'setRemove':
      return badPath(operation.path) ?? badValue(operation.member, limits, operation.path);
    case 'keys':
      return badPath(operation.path) ?? (operation.after === null ? null : badPath(operation.after));
    case 'children':
      return badPath(operation.path) ?? badChildName(operation.after, operation.path);
    case 'setUnion':
    case 'setIntersection':
      return badPath(...operation.paths);
    case 'setDifference':
    case 'setSymmetricDifference':
      return badPath(operation.path, operation.other);
    case 'setSubset':
    case 'setSuperset':
      return badPath(operation.path) ?? (operation.other.kind === 'path' ? badPath(operation.other.path) : null);
    default:
      return badPath(operation.path);
  }
}

function first<T>(items: readonly T[], part: string, refuse: (item: T) => Failure | null): Failure | null {
  for (let index = 0; index < items.length; index++) {
    const failure = refuse(items[index]!);
    if (failure !== null) return failure.with({ index, part });
  }
  return null;
}

/**
 * Refuses what can be refused before it is proposed: malformed paths, values over the limit, too many items, types that the
 * feature level does not have. What passes is still judged by the tree when it is applied.
 */
export function validateOperation(operation: Operation, limits: ValidationLimits): ErrorInfo | null {
  if (operation.kind !== 'transaction') return refuseSimple(operation, limits)?.error ?? null;
  const { guards, then, otherwise } = operation;
  const items = guards.length + then.length + otherwise.length;
  if (items > limits.maxTransactionItems)
    return limitExceeded('maxTransactionItems', limits.maxTransactionItems, items).error;
  const refuse = (one: SimpleOperation): Failure | null => refuseSimple(one, limits);
  const failure =
    first(guards, 'guards', (guard: Guard) => badPath(guard.path)) ??
    first(then, 'then', refuse) ??
    first(otherwise, 'otherwise', refuse);
  return failure?.error ?? null;
}
