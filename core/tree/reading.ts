/** Which operations only read. They are listed by name, so that a caller who asks only this needs no schema. */

import type { Complete } from '../base/complete.ts';
import type { Operation, SimpleOperation, WriteKind, WriteOperation } from './operation.ts';

const writes = [
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
  'claim',
  'release',
  'abandon',
  'steal',
  'semaphoreCreate',
  'semaphoreResize',
  'barrierSet',
  'proclaim',
  'createWith',
  'touch',
  'queuePut',
  'queueTake',
  'queueAck',
  'queueNack',
  'queueExtend',
  'queueProgress',
  'queueConfigure',
  'queueDead',
] as const satisfies readonly WriteKind[];

const writeKinds: ReadonlySet<string> = new Set<Complete<WriteKind, (typeof writes)[number]>>(writes);

/** True when an operation cannot change anything, so that it need not go through the log. */
export function isRead(operation: Operation): boolean {
  if (operation.kind !== 'transaction') return !writeKinds.has(operation.kind);
  return operation.then.every(isRead) && operation.otherwise.every(isRead);
}

/** True for an operation that goes through the log. */
export function isWrite(operation: SimpleOperation): operation is WriteOperation {
  return writeKinds.has(operation.kind);
}
