/**
 * The results of the tree's operations (architecture §3). Each is described once: type, binary form and check. The
 * schemas of paths, values and types are also here. They are apart from the operations, because a page reads results
 * but never operations. The numbers are part of the format of replies and are never given to another result.
 */

import type { Op, SessionId } from '../base/ids.ts';
import { bool, bytes, finite, list, nullable, oneOf, struct, text, uint, union } from '../base/schema.ts';
import type { TypeOf } from '../base/schema.ts';
import { claimStates, nodeTypes } from './names.ts';

export { nodeTypes } from './names.ts';
export type { NodeType } from './names.ts';

/** `path.ts` checks paths when they are applied. This schema only bounds their size. */
export const pathSchema = text(4096);
/** No value is ever larger than this. A node's configured limit is lower. */
export const valueSchema = bytes(64 * 1024 * 1024);
export const maxItems = 1_000_000;
export const maxPage = 10_000;
/** The bound of entries in one page of a list. */
export const pageSchema = /* @__PURE__ */ uint(maxPage, 1);

export const nodeTypeSchema = oneOf(...nodeTypes);
export const maxTransactionItems = 65_536;

export const statSchema = struct({
  /** Its path. */
  path: pathSchema,
  /** Its type. */
  type: nodeTypeSchema,
  /** 0 at its creation. Each change of it, or of anything beneath it, adds 1. */
  version: uint(),
  /** Op number of the entry that created it. Unlike a version, it is never used again. */
  created: uint(),
  /** Op number of the last change at or beneath it. */
  modified: uint(),
  /** Children, items or members. */
  count: uint(),
  /** Bytes of the node itself: its name and value. */
  bytes: uint(),
  /** Bytes of the node and of everything beneath it. */
  subtreeBytes: uint(),
  /** Nodes at and beneath it. */
  subtreeNodes: uint(),
  /** The session with which an ephemeral ends. Null for every other node. */
  owner: nullable(uint<SessionId>()),
  /** How long it lives after its last change. Null: until it is deleted. */
  ttlMs: nullable(uint()),
  /** It goes with the last claim or child in it. */
  auto: bool,
});
/** Everything about a node except its value. */
export interface Stat extends TypeOf<typeof statSchema> {}

const childSchema = struct({
  /** The last part of its path. */
  name: text(255),
  /** Its type. */
  type: nodeTypeSchema,
  /** 0 at its creation. Each change of it, or of anything beneath it, adds 1. */
  version: uint(),
  /** Children, items or members. */
  count: uint(),
  /** Bytes of the node itself: its name and value. */
  bytes: uint(),
  /** The session with which an ephemeral ends. Null for every other node. */
  owner: nullable(uint<SessionId>()),
  /** How long it lives after its last change. Null: until it is deleted. */
  ttlMs: nullable(uint()),
});
/** What a directory tells about one of its children. */
export interface Child extends TypeOf<typeof childSchema> {}

const knownClaimSchema = struct({
  /** The op of the entry that made it. It names the claim together with the path. */
  claim: uint<Op>(),
  /** Whose it is. */
  session: uint<SessionId>(),
  /** The name of that session's client, for people. Empty when the session has ended. */
  client: text(128),
  /** How many permits it asks for. */
  permits: uint(),
  /** It holds alone. */
  exclusive: bool,
  /** The value with which it was made. */
  value: nullable(valueSchema),
  /** Its fencing token, or 0 while it waits. */
  token: uint<Op>(),
  /** The replicated time at which it was granted, or began to wait. */
  since: uint(),
  /** The replicated time at which its wait ends, or its shadow. Null for a wait without end, and for a hold. */
  until: nullable(uint()),
});
/** A claim as it is shown. One with a token and an `until` is a shadow: it was taken from a holder that may not know yet. */
export interface KnownClaim extends TypeOf<typeof knownClaimSchema> {}

export const simpleResultVariants = {
  /** It was done. `version` is the version of the node afterwards. */
  done: [1, { version: uint() }],
  /** A value, or null if there is none (an empty queue). */
  value: [2, { value: nullable(valueSchema), version: uint() }],
  /** A number: the value of a leaf, or how many there are. It need not be whole. */
  number: [3, { number: finite, version: uint() }],
  /** `changed`, `contained`, `exists` or `is a subset`. The version is null where no single node has one. */
  truth: [4, { truth: bool, version: nullable(uint()) }],
  /** Members or items, in order. `more` is true when the page ended before they did. */
  values: [5, { values: list(valueSchema, maxItems), more: bool }],
  paths: [6, { paths: list(pathSchema, maxItems), more: bool }],
  children: [7, { children: list(childSchema, maxPage), more: bool, version: uint() }],
  stat: [8, { stat: statSchema }],
  stats: [9, { stats: list(statSchema, 100) }],
  /**
   * What became of a claim by this entry: granted with a token, or waiting behind `ahead` others with token 0. `clock` is
   * the replicated time of the entry. `changed` is the op of the last change of what belongs to the session that none
   * of its requests answered (coordination §5).
   */
  claimed: [10, { claim: uint<Op>(), token: uint<Op>(), ahead: uint(), clock: uint(), changed: uint<Op>() }],
  abandoned: [11, { was: oneOf(...claimStates) }],
  claims: [
    12,
    {
      capacity: nullable(uint()),
      open: bool,
      claims: list(knownClaimSchema, maxPage),
      more: bool,
      held: uint(),
      waiting: uint(),
      version: uint(),
    },
  ],
  /** Who leads an election, or null. Its term is the token of its hold. */
  leader: [13, { leader: nullable(knownClaimSchema), version: uint() }],
  /**
   * A node was made with options by the entry `created`, or adopted. `path` has the number of a sequential one. `clock`
   * and `changed` are those of `claimed`.
   */
  created: [14, { path: pathSchema, version: uint(), created: uint<Op>(), clock: uint(), changed: uint<Op>() }],
  /**
   * Numbers and values of which a page that does not ask for them should know no more. For each operation that is
   * answered so, a file such as `job-result.ts` says what stands where. The first number is the kind of answer.
   */
  table: [23, { numbers: list(uint(), maxItems), values: list(valueSchema, maxItems), more: bool }],
} as const;
export const simpleResultSchema = union(simpleResultVariants);
export type SimpleResult = TypeOf<typeof simpleResultSchema>;

export const resultVariants = {
  ...simpleResultVariants,
  /** `held` says whether the guards held, and so which branch ran. Each operation of the branch has a result. */
  transaction: [16, { held: bool, results: list(simpleResultSchema, maxTransactionItems) }],
} as const;
export const resultSchema = union(resultVariants);
export type OperationResult = TypeOf<typeof resultSchema>;
