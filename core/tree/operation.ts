/**
 * The operations of the tree and their results (architecture §3). Each is described once: type, binary form and check.
 * The numbers are part of the log's format and are never given to another operation. A new operation is switched on
 * with a feature level. `operations/` has those of each kind of node. Here they become one union.
 */

import type { Reader, Writer } from '../base/bytes.ts';
import { list, union } from '../base/schema.ts';
import type { TypeOf } from '../base/schema.ts';
import { checkGet, checkPut, readGet, readPut, writeGet, writePut } from './operations/blob.ts';
import { together } from './operations/index.ts';
import { maxTransactionItems } from './result.ts';

export { maxPage, nodeTypeSchema, pathSchema, resultSchema, statSchema, valueSchema } from './result.ts';
export type { Child, KnownClaim, NodeType, OperationResult, SimpleResult, Stat } from './result.ts';
export { setOperandSchema } from './operations/set.ts';
export type { SetOperand } from './operations/set.ts';

const upsertableSchema = union(together('upserts'), { blobPut: readPut }, { blobPut: writePut });
/** Writes that add to a node, and can create the node first. */
export type Upsertable = TypeOf<typeof upsertableSchema>;

/**
 * Operations that can change the tree. Where a comment does not explain `ifVersion`, null means no condition. A
 * condition that does not hold is GuardFailed.
 */
const writeVariants = {
  ...together('writes'),
  /**
   * Does `operation`. If its node does not exist, it first creates the node with the directories above it. This is one
   * step, so that operations take effect in the order in which they were asked, whether or not the node exists. A blob
   * is created with the value that is put, so `ifVersion` and `ifAbsent` are not allowed.
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
/** Every operation except a transaction. */
export type SimpleOperation = TypeOf<typeof simpleOperationSchema>;
/** The operation of this kind. */
export type Asked<K extends SimpleOperation['kind']> = Extract<SimpleOperation, { readonly kind: K }>;
export type WriteOperation = Asked<WriteKind>;
export type ReadOperation = Asked<ReadKind>;

/**
 * The conditions of a transaction (architecture §3). Each is checked at its own path, in the state before the
 * transaction.
 */
export const guardSchema = union(together('guards'));
/** One condition of a transaction on one node, in the state before the transaction. */
export type Guard = TypeOf<typeof guardSchema>;
export type GuardOf<K extends Guard['kind']> = Extract<Guard, { readonly kind: K }>;

export const operationSchema = union(
  {
    ...simpleVariants,
    /**
     * All or nothing. It does `then` when every guard holds, otherwise `otherwise`. An operation that fails undoes
     * those before it.
     */
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

/**
 * Checks an operation of a caller, whose types may not be checked by a compiler.
 * @throws MalformedError that names what is wrong.
 */
export function checkOperation(operation: Operation): void {
  if (operation.kind === 'blobGet') checkGet(operation);
  else if (operation.kind === 'blobPut') checkPut(operation);
  else if (operation.kind === 'upsert' && operation.operation.kind === 'blobPut') checkPut(operation.operation);
  else operationSchema.check(operation);
}
