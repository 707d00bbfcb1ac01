/** The rules that each operation and guard of a kind of node needs, and each type of leaf. */

import type { Op } from '../../base/ids.ts';
import type { TreeChange } from '../change.ts';
import type { Failure } from '../failure.ts';
import type { ResultBudget, TreeLimits } from '../limits.ts';
import type { LeafType } from '../names.ts';
import type { DirectoryNode, LeafNode, TreeNode } from '../node.ts';
import type { Asked, Guard, GuardOf, ReadKind, SimpleResult, Upsertable, WriteKind } from '../operation.ts';
import type { AllForms } from '../operations/index.ts';
import type { ChangeContext, Place } from '../place.ts';

/** The limits against which an operation is checked before the tree is looked at. */
export type ValidationLimits = Pick<TreeLimits, 'maxValueBytes' | 'maxTransactionItems'>;

export interface Written {
  readonly root: DirectoryNode;
  readonly result: SimpleResult;
}

/** A claim whose fate the end of the entry decides. */
export interface NewClaim {
  readonly path: string;
  readonly claim: Op;
  /** Its result, which is completed then. */
  readonly result: { -readonly [K in keyof Claimed]: Claimed[K] };
  /** It is refused if it is not granted at once. */
  readonly tries: boolean;
}
type Claimed = Extract<SimpleResult, { readonly kind: 'claimed' }>;

/** What a write needs besides the operation. */
export interface WriteContext extends ChangeContext {
  readonly budget: ResultBudget;
  /** The lines of claims that changed. They are settled at the end of the entry (coordination §4). */
  /** Their paths, each with the token of a hold that went, or 0. */
  readonly touched: Map<string, Op>;
  readonly newClaims: NewClaim[];
  /** How many sequential nodes the entry made (coordination §9). */
  readonly sequence: { next: number };
  /** Part of a transaction. It leaves no trace when it fails, so what its end decides need not be known before. */
  readonly together: boolean;
  /** Every change is added here, in order. A caller that discards the result discards these changes too. */
  readonly changes: TreeChange[];
}

/** The writes of the kinds of nodes. `upsert` is not among them, because it does another write. */
export type OwnWriteKind = Exclude<WriteKind, 'upsert'>;

export interface WriteRule<K extends OwnWriteKind> {
  /** False for a write that leaves the namespace as large or smaller. It is accepted while the disk is low. */
  readonly grows: boolean;
  /** Why the write must be refused, whatever the tree holds. It is then refused before it takes a place in the log. */
  readonly refuse: (operation: Asked<K>, limits: ValidationLimits) => Failure | null;
  /**
   * Does the write. It does not rely on `refuse`, and checks again. After a failure nothing has changed, not even in
   * place.
   */
  readonly apply: (place: Place, operation: Asked<K>, context: WriteContext, root: DirectoryNode) => Written | Failure;
}

export interface ReadRule<K extends ReadKind> {
  /** Why the read must be refused, whatever the tree holds. */
  readonly refuse: (operation: Asked<K>) => Failure | null;
  /** Answers the read. Bytes in the answer may belong to the tree, and must only be read. */
  readonly read: (root: DirectoryNode, operation: Asked<K>, budget: ResultBudget) => SimpleResult | Failure;
}

type UpsertOf<K extends Upsertable['kind']> = Extract<Upsertable, { readonly kind: K }>;

export interface UpsertRule<K extends Upsertable['kind']> {
  /** Why it must be refused as an upsert, whatever the tree holds. */
  readonly refuse: (operation: UpsertOf<K>) => Failure | null;
  /** The type of node that it makes where none exists. */
  readonly type: LeafType;
  /**
   * The value with which the node is made, which completes the operation. If null, the node is made empty, and then the
   * operation is done on it.
   */
  readonly madeWith: (operation: UpsertOf<K>) => Uint8Array | null;
}

/** Judges a guard on the node at its path. If no node exists there, only `absent` holds. */
export type GuardRule<K extends Guard['kind']> = (node: TreeNode, guard: GuardOf<K>) => boolean;

/** A rule for each of the forms of a kind, exactly. */
export interface Rules<F extends keyof AllForms> {
  readonly writes: { readonly [K in keyof AllForms[F]['writes'] & OwnWriteKind]: WriteRule<K> };
  readonly upserts: { readonly [K in keyof AllForms[F]['upserts'] & Upsertable['kind']]: UpsertRule<K> };
  readonly reads: { readonly [K in keyof AllForms[F]['reads'] & ReadKind]: ReadRule<K> };
  readonly guards: { readonly [K in keyof AllForms[F]['guards'] & Guard['kind']]: GuardRule<K> };
}

export interface LeafRules<T extends LeafType> extends Rules<T> {
  /**
   * True when the last of several changes tells the whole value, as when a value is put. Otherwise they are folded into
   * one `changed`.
   */
  readonly lastTellsAll: boolean;
  /** Why one cannot be made with this value, whatever the tree holds. */
  readonly refuseCreate: (value: Uint8Array | null) => Failure | null;
  /** Makes one with a value that was not refused. */
  readonly make: (name: string, op: Op, value: Uint8Array | null) => LeafNode & { readonly type: T };
}
