/**
 * The versioned tree of a namespace (architecture §3): a value, or a variable that gives values in O(1). An operation gives another tree that shares with the one before
 * what it did not change, so holding on to a version costs nothing. Who may ask, and when, is the service's business.
 */

import { invariant } from '../base/assert.ts';
import type { ChunkReader } from '../base/chunk-reader.ts';
import { ok } from '../base/errors.ts';
import type { Result } from '../base/errors.ts';
import type { Op } from '../base/ids.ts';
import type { TreeChange } from './change.ts';
import { contents } from './change.ts';
import { Failure, badArgument } from './failure.ts';
import type { TreeLimits } from './limits.ts';
import { ResultBudget } from './limits.ts';
import { DirectoryNode } from './node.ts';
import type { Owner } from './nodes/head.ts';
import type { Operation, OperationResult } from './operation.ts';
import { isRead } from './reading.ts';
import { find } from './place.ts';
import { TreeSnapshot, restoreRoot } from './snapshot.ts';
import { applySimple, applyTransaction } from './transaction.ts';
import type { Applied } from './transaction.ts';

export type { TreeLimits } from './limits.ts';
export { treeLimitsOf, treeLimitsSchema } from './limits.ts';
export { mayGrow, validateOperation } from './validate.ts';
export type { ValidationLimits } from './validate.ts';
export { TreeSnapshot } from './snapshot.ts';

const nothingChanged: readonly TreeChange[] = [];

export interface AppliedOperation {
  readonly tree: Tree;
  readonly result: Result<OperationResult>;
  /** What it changed, in order; of a transaction, all of it. */
  readonly changes: readonly TreeChange[];
}

export class Tree {
  #root: DirectoryNode;
  /** Not null: this tree is a variable rather than a value, and changes the nodes that carry this mark in place. */
  #owner: Owner;
  readonly limits: TreeLimits;

  private constructor(root: DirectoryNode, limits: TreeLimits, owner: Owner = null) {
    this.#root = root;
    this.limits = limits;
    this.#owner = owner;
  }

  /**
   * The same content as a variable: {@link apply} changes this very tree and answers with it, without a copy of what nobody else
   * holds. What {@link snapshot} and {@link hold} gave stays as it was, as with any other tree.
   */
  owned(): Tree {
    return new Tree(this.hold().#root, this.limits, {});
  }

  /** This version as a value, in O(1): what is written from now on copies first. */
  hold(): Tree {
    if (this.#owner === null) return this;
    this.#owner = {};
    return new Tree(this.#root, this.limits);
  }

  /** A tree that holds its root alone. */
  static empty(limits: TreeLimits): Tree {
    return new Tree(DirectoryNode.empty('', 0), limits);
  }

  /**
   * The tree that a {@link snapshot} wrote, with `reader` left behind its last byte. Limits that are lower than what is in
   * it only refuse growth.
   * @throws MalformedError on bytes that no snapshot writes.
   */
  static restore(reader: ChunkReader, limits: TreeLimits): Tree {
    return new Tree(restoreRoot(reader), limits);
  }

  /** Bytes of all names and values, with 8 more for each item, member and counter. */
  get bytes(): number {
    return this.#root.bytes;
  }

  /** Nodes beneath the root. */
  get keys(): number {
    return this.#root.nodes;
  }

  /** The op number of the last change. */
  get modified(): Op {
    return this.#root.modified;
  }

  /** The same tree under other limits. */
  withLimits(limits: TreeLimits): Tree {
    return new Tree(this.hold().#root, limits, this.#owner === null ? null : {});
  }

  /**
   * Applies one operation as of `op`, the log's op number, which is never below that of the last change. On an error, and
   * when nothing changed, `tree` is this one. Bytes in a result may be the tree's own: read them, never write them. Values of the
   * operation are copied, so the frame that they came in is let go.
   */
  apply(operation: Operation, op: Op): AppliedOperation {
    invariant(op >= this.#root.modified, 'operations are applied in the order of the log');
    const changes: TreeChange[] = [];
    // A transaction that fails half-way must leave nothing behind, so it owns only what it makes itself.
    const owner = this.#owner !== null && operation.kind === 'transaction' ? {} : this.#owner;
    const done = this.#run(operation, op, changes, owner);
    if (done instanceof Failure) return { tree: this, result: done, changes: nothingChanged };
    if (owner !== null) {
      this.#root = done.root;
      this.#owner = owner;
      return { tree: this, result: ok(done.result), changes };
    }
    const tree = done.root === this.#root ? this : new Tree(done.root, this.limits);
    return { tree, result: ok(done.result), changes };
  }

  /** Answers an operation that changes nothing; any other is BadArgument. @param budget counts what was done for it. */
  read(operation: Operation, budget: ResultBudget = new ResultBudget(this.limits)): Result<OperationResult> {
    if (!isRead(operation))
      return badArgument('This operation changes the tree and is no read', { kind: operation.kind });
    const done = this.#run(operation, this.#root.modified, [], null, budget);
    return done instanceof Failure ? done : ok(done.result);
  }

  #run(
    operation: Operation,
    op: Op,
    changes: TreeChange[],
    owner: Owner,
    budget: ResultBudget = new ResultBudget(this.limits),
  ): Applied | Failure {
    const context = { op, owner, limits: this.limits, budget, changes };
    return operation.kind === 'transaction'
      ? applyTransaction(this.#root, operation, context)
      : applySimple(this.#root, operation, context);
  }

  /** What is at `path`, and with `subtree` all beneath it, told as changes that make it; nothing when nothing is there. */
  contents(path: string, subtree: boolean): Iterator<TreeChange> {
    const node = find(this.hold().#root, path);
    return node instanceof Failure ? nothingChanged.values() : contents(path, node, subtree);
  }

  /** An O(1) hold on this version, to be written in pieces. */
  snapshot(): TreeSnapshot {
    return new TreeSnapshot(this.hold().#root);
  }
}
