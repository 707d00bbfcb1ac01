/**
 * The operations of the tree and their results (design §3), each described once: type, binary form and check. The numbers
 * are part of the log's format and are never given to another operation; a new operation is switched on by a feature level.
 */

import { text, bool, bytes, int, list, nullable, oneOf, struct, uint, union } from '../base/schema.ts';
import type { Reader } from '../base/bytes.ts';
import type { TypeOf } from '../base/schema.ts';

/** Paths are judged by `path.ts` when they are applied; this only bounds what is carried. */
export const pathSchema = text(4096);
/** No value is ever larger than this; a node's configured limit is lower. */
export const valueSchema = bytes(64 * 1024 * 1024);
const maxItems = 1_000_000;
export const maxPage = 10_000;
const pageSchema = uint(maxPage, 1);

/** What a node of the tree can be. The coordination types are named from the start and come with a later feature level. */
export const nodeTypeSchema = oneOf(
  'directory',
  'blob',
  'queue',
  'set',
  'counter',
  'lock',
  'semaphore',
  'barrier',
  'election',
);
export type NodeType = TypeOf<typeof nodeTypeSchema>;

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

export const simpleOperationSchema = union(simpleVariants, shortcuts);
/** Everything but a transaction. */
export type SimpleOperation = TypeOf<typeof simpleOperationSchema>;

/** What a transaction asks before it does anything (design §3). All are checked at their own path, in the state before it. */
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
export type Guard = TypeOf<typeof guardSchema>;

const maxTransactionItems = 65_536;
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
  shortcuts,
);
export type Operation = TypeOf<typeof operationSchema>;

export const statSchema = struct({
  path: pathSchema,
  type: nodeTypeSchema,
  version: uint(),
  /** Op numbers of the creation and of the last change at or beneath. */
  created: uint(),
  modified: uint(),
  /** Children, items or members. */
  count: uint(),
  /** Bytes of the node itself (its name and value), and of the node with all beneath it. */
  bytes: uint(),
  subtreeBytes: uint(),
  /** Nodes at and beneath it. */
  subtreeNodes: uint(),
});
export type Stat = TypeOf<typeof statSchema>;

const childSchema = struct({ name: text(255), type: nodeTypeSchema, version: uint(), count: uint(), bytes: uint() });
export type Child = TypeOf<typeof childSchema>;

const simpleResultVariants = {
  /** Done; `version` is the node's after it. */
  done: [1, { version: uint() }],
  /** A value, or null where there is none (an empty queue). */
  value: [2, { value: nullable(valueSchema), version: uint() }],
  number: [3, { number: int, version: uint() }],
  /** `changed`, `contained`, `exists`, `is a subset`; null where no node has a version to tell. */
  truth: [4, { truth: bool, version: nullable(uint()) }],
  /** Members or items, in order; `more` when a page ended before they did. */
  values: [5, { values: list(valueSchema, maxItems), more: bool }],
  paths: [6, { paths: list(pathSchema, maxItems), more: bool }],
  children: [7, { children: list(childSchema, maxPage), more: bool, version: uint() }],
  stat: [8, { stat: statSchema }],
  stats: [9, { stats: list(statSchema, 100) }],
} as const;
export const simpleResultSchema = union(simpleResultVariants);
export type SimpleResult = TypeOf<typeof simpleResultSchema>;

export const resultSchema = union({
  ...simpleResultVariants,
  /** `held` tells which branch ran; a result for each of its operations. */
  transaction: [16, { held: bool, results: list(simpleResultSchema, maxTransactionItems) }],
});
export type OperationResult = TypeOf<typeof resultSchema>;

const readKinds: ReadonlySet<string> = new Set(
  Object.entries(simpleVariants)
    .filter(([, [tag]]) => tag >= 32)
    .map(([kind]) => kind),
);

/** True when an operation cannot change anything, and so need not go through the log. */
export function isRead(operation: Operation): boolean {
  if (operation.kind !== 'transaction') return readKinds.has(operation.kind);
  return operation.then.every(isRead) && operation.otherwise.every(isRead);
}
