/**
 * The operations of the tree and their results (architecture §3), each described once: type, binary form and check. The numbers
 * are part of the log's format and are never given to another operation; a new operation is switched on by a feature level.
 * `operations/` has those of each kind of node; here they become one union.
 */

import type { Reader, Writer } from '../base/bytes.ts';
import { list, union } from '../base/schema.ts';
import type { TypeOf } from '../base/schema.ts';
import { checkGet, checkPut, readGet, readPut, writeGet, writePut } from './operations/blob.ts';
import { together } from './operations/index.ts';
import { maxTransactionItems } from './result.ts';

export { maxPage, nodeTypeSchema, pathSchema, resultSchema, statSchema, valueSchema } from './result.ts';
export type { Child, NodeType, OperationResult, SimpleResult, Stat } from './result.ts';
export { setOperandSchema } from './operations/set.ts';
export type { SetOperand } from './operations/set.ts';

const upsertableSchema = union(together('upserts'), { blobPut: readPut }, { blobPut: writePut });
/** What adds to a node, and can make it first. */
export type Upsertable = TypeOf<typeof upsertableSchema>;

/** What can change the tree. Of those that say nothing of `ifVersion`, null asks nothing; a guard that does not hold is GuardFailed. */
const writeVariants = {
  ...together('writes'),
  /**
   * Does `operation`, and where nothing is makes its node first, with the directories above: one step, so that what is asked in order happens
   * in order whether or not the node is there. A blob is made with the value that is put; `ifVersion` and `ifAbsent` have no place in it.
   */
  upsert: [10, { operation: upsertableSchema }],
} as const;
const readVariants = together('reads');
const simpleVariants = { ...writeVariants, ...readVariants } as const;

export type WriteKind = keyof typeof writeVariants;
export type ReadKind = keyof typeof readVariants;

const reads = {
  blobPut: readPut,
  blobGet: readGet,
  upsert: (reader: Reader) => ({ kind: 'upsert', operation: upsertableSchema.decode(reader) }) as const,
};
const writes = {
  blobPut: writePut,
  blobGet: writeGet,
  upsert: (writer: Writer, { operation }: { readonly operation: Upsertable }) =>
    upsertableSchema.encode(writer, operation),
};

export const simpleOperationSchema = union(simpleVariants, reads, writes);
/** Everything but a transaction. */
export type SimpleOperation = TypeOf<typeof simpleOperationSchema>;
/** The operation of this kind. */
export type Asked<K extends SimpleOperation['kind']> = Extract<SimpleOperation, { readonly kind: K }>;
export type WriteOperation = Asked<WriteKind>;
export type ReadOperation = Asked<ReadKind>;

/** What a transaction asks before it does anything (architecture §3). All are checked at their own path, in the state before it. */
export const guardSchema = union(together('guards'));
/** What a transaction asks of one node before it does anything, in the state before it. */
export type Guard = TypeOf<typeof guardSchema>;
export type GuardOf<K extends Guard['kind']> = Extract<Guard, { readonly kind: K }>;

export const operationSchema = union(
  {
    ...simpleVariants,
    /** All or nothing: `then` when every guard holds, else `otherwise`; an operation that fails undoes those before it. */
    transaction: [
      16,
      {
        guards: list(guardSchema, maxTransactionItems),
        then: list(simpleOperationSchema, maxTransactionItems),
        otherwise: list(simpleOperationSchema, maxTransactionItems),
      },
    ],
  },
  reads,
  writes,
);
export type Operation = TypeOf<typeof operationSchema>;

/** Checks what a caller made, whose types may not say what it is. @throws MalformedError that names what is wrong. */
export function checkOperation(operation: Operation): void {
  if (operation.kind === 'blobGet') checkGet(operation);
  else if (operation.kind === 'blobPut') checkPut(operation);
  else if (operation.kind === 'upsert' && operation.operation.kind === 'blobPut') checkPut(operation.operation);
  else operationSchema.check(operation);
}
