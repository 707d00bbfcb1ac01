/** Which operations only read. By name, so that who only asks this needs no schema. */

import type { Operation, SimpleOperation } from './operation.ts';

const writeKinds: ReadonlySet<SimpleOperation['kind']> = new Set([
  'create',
  'delete',
  'blobPut',
  'queuePush',
  'queuePop',
  'setInsert',
  'setRemove',
  'counterAdd',
  'blobCas',
  'upsert',
] as const);

/** True when an operation cannot change anything, and so need not go through the log. */
export function isRead(operation: Operation): boolean {
  if (operation.kind !== 'transaction') return !writeKinds.has(operation.kind);
  return operation.then.every(isRead) && operation.otherwise.every(isRead);
}
