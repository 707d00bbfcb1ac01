/**
 * The operations of the tree and their results (architecture §3), each described once: type, binary form and check. The numbers
 * are part of the log's format and are never given to another operation; a new operation is switched on by a feature level.
 */

import type { Reader, Writer } from '../base/bytes.ts';
import { bool, int, list, nullable, text, uint, union } from '../base/schema.ts';
import type { StructOf, TypeOf } from '../base/schema.ts';
import { maxItems, maxPage, maxTransactionItems, nodeTypeSchema, pathSchema, valueSchema } from './result.ts';

export { maxPage, nodeTypeSchema, pathSchema, resultSchema, statSchema, valueSchema } from './result.ts';
export type { Child, NodeType, OperationResult, SimpleResult, Stat } from './result.ts';

const pageSchema = uint(maxPage, 1);

/** Another set: one in the tree, or one given with the call. */
export const setOperandSchema = union({
  path: [1, { path: pathSchema }],
  members: [2, { members: list(valueSchema, maxItems) }],
});
export type SetOperand = TypeOf<typeof setOperandSchema>;

const simpleVariants = {
  // Writes. `ifVersion` null asks nothing; a guard that does not hold is GuardFailed and changes nothing.
  /** Makes missing directories above. `value` is the first value of a blob (bytes) or, as decimal text, of a counter. */
  create: [1, { path: pathSchema, type: nodeTypeSchema, value: nullable(valueSchema) }],
  delete: [2, { path: pathSchema, recursive: bool, ifVersion: nullable(uint()) }],
  /** With `ifAbsent` makes the blob, and is GuardFailed when the path exists; else the blob must exist. */
  blobPut: [3, { path: pathSchema, value: valueSchema, ifVersion: nullable(uint()), ifAbsent: bool }],
  queuePush: [4, { path: pathSchema, value: valueSchema }],
  queuePop: [5, { path: pathSchema }],
  setInsert: [6, { path: pathSchema, member: valueSchema }],
  setRemove: [7, { path: pathSchema, member: valueSchema }],
  /** Adds `by`, which may be negative. */
  counterAdd: [8, { path: pathSchema, by: int }],
  /** Puts when the value is `expected`. */
  blobCas: [9, { path: pathSchema, expected: valueSchema, value: valueSchema }],
  // Reads.
  /** The path itself and all below it, depth first, sorted, directories before what is in them: haret's `ls`. */
  keys: [32, { path: pathSchema, limit: pageSchema, after: nullable(pathSchema) }],
  /** The children of a directory, a page at a time; `after` is the last name of the page before. */
  children: [33, { path: pathSchema, limit: pageSchema, after: nullable(text(255)) }],
  stat: [34, { path: pathSchema }],
  exists: [35, { path: pathSchema }],
  blobGet: [36, { path: pathSchema }],
  blobSize: [37, { path: pathSchema }],
  queueFront: [38, { path: pathSchema }],
  queueBack: [39, { path: pathSchema }],
  queueLength: [40, { path: pathSchema }],
  /** Items from the front, from position `from` on. */
  queueList: [41, { path: pathSchema, limit: pageSchema, from: uint() }],
  setContains: [42, { path: pathSchema, member: valueSchema }],
  setMembers: [43, { path: pathSchema, limit: pageSchema, after: nullable(valueSchema) }],
  setSize: [44, { path: pathSchema }],
  setUnion: [45, { paths: list(pathSchema, 1024) }],
  setIntersection: [46, { paths: list(pathSchema, 1024) }],
  /** The members of `path` that are not in `other`. */
  setDifference: [47, { path: pathSchema, other: pathSchema }],
  setSymmetricDifference: [48, { path: pathSchema, other: pathSchema }],
  /** Is every member of `path` in `other`? */
  setSubset: [49, { path: pathSchema, other: setOperandSchema }],
  /** Is every member of `other` in `path`? */
  setSuperset: [50, { path: pathSchema, other: setOperandSchema }],
  counterGet: [51, { path: pathSchema }],
  /** The `limit` largest leaves at and below `path`, by bytes. */
  largest: [52, { path: pathSchema, limit: uint(100, 1) }],
} as const;

const versionGuardSchema = simpleVariants.blobPut[1].ifVersion;

/** What most of any load is made of. */
const shortcuts = {
  blobPut: (reader: Reader) =>
    ({
      kind: 'blobPut',
      path: pathSchema.decode(reader),
      value: valueSchema.decode(reader),
      ifVersion: versionGuardSchema.decode(reader),
      ifAbsent: bool.decode(reader),
    }) as const,
  blobGet: (reader: Reader) => ({ kind: 'blobGet', path: pathSchema.decode(reader) }) as const,
};
const writeShortcuts = {
  blobPut: (writer: Writer, { path, value, ifVersion, ifAbsent }: StructOf<(typeof simpleVariants.blobPut)[1]>) => {
    writer.text(path);
    writer.bytes(value);
    versionGuardSchema.encode(writer, ifVersion);
    bool.encode(writer, ifAbsent);
  },
  blobGet: (writer: Writer, { path }: { readonly path: string }) => writer.text(path),
};

const { blobPut, queuePush, setInsert, counterAdd } = simpleVariants;
const upsertableSchema = union(
  { blobPut, queuePush, setInsert, counterAdd },
  { blobPut: shortcuts.blobPut },
  { blobPut: writeShortcuts.blobPut },
);
/** What adds to a node, and can make it first. */
export type Upsertable = TypeOf<typeof upsertableSchema>;

const allSimple = {
  ...simpleVariants,
  /**
   * Does `operation`, and where nothing is makes its node first, with the directories above: one step, so that what is asked in order happens
   * in order whether or not the node is there. A blob is made with the value that is put; `ifVersion` and `ifAbsent` have no place in it.
   */
  upsert: [10, { operation: upsertableSchema }],
} as const;
const allShortcuts = {
  ...shortcuts,
  upsert: (reader: Reader) => ({ kind: 'upsert', operation: upsertableSchema.decode(reader) }) as const,
};
const allWriteShortcuts = {
  ...writeShortcuts,
  upsert: (writer: Writer, { operation }: { readonly operation: Upsertable }) =>
    upsertableSchema.encode(writer, operation),
};

export const simpleOperationSchema = union(allSimple, allShortcuts, allWriteShortcuts);
/** Everything but a transaction. */
export type SimpleOperation = TypeOf<typeof simpleOperationSchema>;

/** What a transaction asks before it does anything (architecture §3). All are checked at their own path, in the state before it. */
export const guardSchema = union({
  version: [1, { path: pathSchema, version: uint() }],
  created: [2, { path: pathSchema, op: uint() }],
  modified: [3, { path: pathSchema, op: uint() }],
  exists: [4, { path: pathSchema }],
  absent: [5, { path: pathSchema }],
  type: [6, { path: pathSchema, type: nodeTypeSchema }],
  blobValue: [7, { path: pathSchema, value: valueSchema }],
  blobSize: [8, { path: pathSchema, size: uint() }],
  setMember: [9, { path: pathSchema, member: valueSchema }],
  /** The lock at `path` is held with this fencing token; false until locks are switched on. */
  held: [10, { path: pathSchema, token: uint() }],
});
/** What a transaction asks of one node before it does anything, in the state before it. */
export type Guard = TypeOf<typeof guardSchema>;

export const operationSchema = union(
  {
    ...allSimple,
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
  allShortcuts,
  allWriteShortcuts,
);
export type Operation = TypeOf<typeof operationSchema>;

/** Checks what a caller made, whose types may not say what it is. @throws MalformedError that names what is wrong. */
export function checkOperation(operation: Operation): void {
  if (operation.kind === 'blobGet') {
    pathSchema.check(operation.path, 'path');
  } else if (operation.kind === 'blobPut') {
    const { path, value, ifVersion, ifAbsent } = operation;
    pathSchema.check(path, 'path');
    valueSchema.check(value, 'value');
    versionGuardSchema.check(ifVersion, 'ifVersion');
    bool.check(ifAbsent, 'ifAbsent');
  } else if (operation.kind === 'upsert' && operation.operation.kind === 'blobPut') {
    checkOperation(operation.operation);
  } else operationSchema.check(operation);
}
