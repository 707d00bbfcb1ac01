/** What there has to be for each operation and guard of a kind of node, and for each type of leaf. */

import type { Op } from '../../base/ids.ts';
import type { TreeChange } from '../change.ts';
import type { Failure } from '../failure.ts';
import type { ResultBudget, TreeLimits } from '../limits.ts';
import type { LeafType } from '../names.ts';
import type { DirectoryNode, LeafNode, TreeNode } from '../node.ts';
import type { Asked, Guard, GuardOf, ReadKind, SimpleResult, Upsertable, WriteKind } from '../operation.ts';
import type { AllForms } from '../operations/index.ts';
import type { ChangeContext, Place } from '../place.ts';

/** The limits that an operation can be held to before anyone looks at the tree. */
export type ValidationLimits = Pick<TreeLimits, 'maxValueBytes' | 'maxTransactionItems'>;

export interface Written {
  readonly root: DirectoryNode;
  readonly result: SimpleResult;
}

/** What a write is done with besides the operation. */
export interface WriteContext extends ChangeContext {
  readonly budget: ResultBudget;
  /** Every change is added here, in order; whoever gives up what was done gives these up too. */
  readonly changes: TreeChange[];
}

/** Writes that a kind of node has. `upsert` is none of them: it does another one. */
export type OwnWriteKind = Exclude<WriteKind, 'upsert'>;

export interface WriteRule<K extends OwnWriteKind> {
  /** False for what leaves the namespace as large or smaller: it is taken while the disk is low. */
  readonly grows: boolean;
  /** What is wrong with it, whatever the tree holds: it is refused before it takes a place in the log. */
  readonly refuse: (operation: Asked<K>, limits: ValidationLimits) => Failure | null;
  /** Does it. Nothing that `refuse` looks at is relied on. A failure has changed nothing, also not in place. */
  readonly apply: (place: Place, operation: Asked<K>, context: WriteContext, root: DirectoryNode) => Written | Failure;
}

export interface ReadRule<K extends ReadKind> {
  /** What is wrong with it, whatever the tree holds. */
  readonly refuse: (operation: Asked<K>) => Failure | null;
  /** Answers it. Bytes in the answer may be the tree's own, to be read only. */
  readonly read: (root: DirectoryNode, operation: Asked<K>, budget: ResultBudget) => SimpleResult | Failure;
}

type UpsertOf<K extends Upsertable['kind']> = Extract<Upsertable, { readonly kind: K }>;

export interface UpsertRule<K extends Upsertable['kind']> {
  /** What is wrong with it as an upsert, whatever the tree holds. */
  readonly refuse: (operation: UpsertOf<K>) => Failure | null;
  /** What it makes where nothing is. */
  readonly type: LeafType;
  /** The value to make it with, and then all is done; null: it is made empty, and then the operation is done to it. */
  readonly madeWith: (operation: UpsertOf<K>) => Uint8Array | null;
}

/** Judges a guard on what is at its path. One on nothing never holds, but `absent`. */
export type GuardRule<K extends Guard['kind']> = (node: TreeNode, guard: GuardOf<K>) => boolean;

/** A rule for each of the forms that a kind has: no more, and none left out. */
export interface Rules<F extends keyof AllForms> {
  readonly writes: { readonly [K in keyof AllForms[F]['writes'] & OwnWriteKind]: WriteRule<K> };
  readonly upserts: { readonly [K in keyof AllForms[F]['upserts'] & Upsertable['kind']]: UpsertRule<K> };
  readonly reads: { readonly [K in keyof AllForms[F]['reads'] & ReadKind]: ReadRule<K> };
  readonly guards: { readonly [K in keyof AllForms[F]['guards'] & Guard['kind']]: GuardRule<K> };
}

export interface LeafRules<T extends LeafType> extends Rules<T> {
  /** The last of several changes tells all of it, as with a value that is put. Else they are folded into one that says `changed`. */
  readonly lastTellsAll: boolean;
  /** What is wrong with making one with this value, whatever the tree holds. */
  readonly refuseCreate: (value: Uint8Array | null) => Failure | null;
  /** Makes one with a value that was not refused. */
  readonly make: (name: string, op: Op, value: Uint8Array | null) => LeafNode & { readonly type: T };
}
