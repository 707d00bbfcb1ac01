/**
 * What operations of the tree answer (architecture §3), each described once: type, binary form and check; and what paths, values and types are, here
 * and in operations. Apart from the operations, because a page is told results and never operations. The numbers are part of the
 * format of replies and are never given to another result.
 */

import { bool, bytes, int, list, nullable, oneOf, struct, text, uint, union } from '../base/schema.ts';
import type { TypeOf } from '../base/schema.ts';
import { nodeTypes } from './names.ts';

export { nodeTypes } from './names.ts';
export type { NodeType } from './names.ts';

/** Paths are judged by `path.ts` when they are applied; this only bounds what is carried. */
export const pathSchema = text(4096);
/** No value is ever larger than this; a node's configured limit is lower. */
export const valueSchema = bytes(64 * 1024 * 1024);
export const maxItems = 1_000_000;
export const maxPage = 10_000;
/** How many entries one page of a list has at most. */
export const pageSchema = uint(maxPage, 1);

export const nodeTypeSchema = oneOf(...nodeTypes);
export const maxTransactionItems = 65_536;

export const statSchema = struct({
  /** Where it is. */
  path: pathSchema,
  /** What it is. */
  type: nodeTypeSchema,
  /** 0 at its creation; each change of it, or of anything beneath it, adds 1. */
  version: uint(),
  /** Op number of the entry that created it: unlike a version, that never comes again. */
  created: uint(),
  /** Op number of the last change at or beneath it. */
  modified: uint(),
  /** Children, items or members. */
  count: uint(),
  /** Bytes of the node itself: its name and value. */
  bytes: uint(),
  /** Bytes of the node with all beneath it. */
  subtreeBytes: uint(),
  /** Nodes at and beneath it. */
  subtreeNodes: uint(),
});
/** What there is to know of a node besides its value. */
export interface Stat extends TypeOf<typeof statSchema> {}

const childSchema = struct({
  /** The last part of its path. */
  name: text(255),
  /** What it is. */
  type: nodeTypeSchema,
  /** 0 at its creation; each change of it, or of anything beneath it, adds 1. */
  version: uint(),
  /** Children, items or members. */
  count: uint(),
  /** Bytes of the node itself: its name and value. */
  bytes: uint(),
});
/** What a directory tells of a node that is in it. */
export interface Child extends TypeOf<typeof childSchema> {}

export const simpleResultVariants = {
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

export const resultVariants = {
  ...simpleResultVariants,
  /** `held` tells which branch ran; a result for each of its operations. */
  transaction: [16, { held: bool, results: list(simpleResultSchema, maxTransactionItems) }],
} as const;
export const resultSchema = union(resultVariants);
export type OperationResult = TypeOf<typeof resultSchema>;
