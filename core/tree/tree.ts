/**
 * The versioned tree of a namespace (architecture §3). It is a value, or a variable that gives values in O(1). An
 * operation gives another tree that shares everything unchanged with the tree before, so keeping a version costs
 * nothing. The service decides who may ask, and when.
 */

import { invariant } from '../base/assert.ts';
import type { ChunkReader } from '../base/chunk-reader.ts';
import { ok } from '../base/errors.ts';
import type { Result } from '../base/errors.ts';
import type { Op } from '../base/ids.ts';
import type { Acting, Consequence, Standing } from './acting.ts';
import { nobody } from './acting.ts';
import type { TreeChange } from './change.ts';
import { contents } from './change.ts';
import { Failure, badArgument } from './failure.ts';
import type { TreeLimits } from './limits.ts';
import { ResultBudget } from './limits.ts';
import { takeStep } from './kinds/entry-steps.ts';
import type { EntryStep } from './kinds/entry-steps.ts';
import type { WriteContext } from './kinds/rules.ts';
import { DirectoryNode } from './node.ts';
import type { TreeNode } from './node.ts';
import type { Claim, Hold } from './nodes/claims.ts';
import type { Owner } from './nodes/head.ts';
import type { Operation, OperationResult } from './operation.ts';
import { isRead } from './reading.ts';
import { childPath } from './path.ts';
import { find, locate } from './place.ts';
import { settle } from './settling.ts';
import { TreeSnapshot, restoreRoot } from './snapshot.ts';
import { claimsOf, standingOf } from './standing.ts';
import { applySimple, applyTransaction } from './transaction.ts';
import type { Applied } from './transaction.ts';

export type { TreeLimits } from './limits.ts';
export { treeLimitsOf, treeLimitsSchema } from './limits.ts';
export { mayGrow, validateOperation } from './validate.ts';
export type { ValidationLimits } from './validate.ts';
export { TreeSnapshot } from './snapshot.ts';

const nothingChanged: readonly TreeChange[] = [];
const nothingFollows: readonly Consequence[] = [];

export interface AppliedOperation {
  readonly tree: Tree;
  readonly result: Result<OperationResult>;
  /** The changes in order. For a transaction, those of all its operations. */
  readonly changes: readonly TreeChange[];
  /** What follows for sessions and their deadlines, in order. */
  readonly consequences: readonly Consequence[];
}

export class Tree {
  #root: DirectoryNode;
  /** If it is not null, this tree is a variable and not a value, and changes the nodes with this mark in place. */
  #owner: Owner;
  readonly limits: TreeLimits;

  private constructor(root: DirectoryNode, limits: TreeLimits, owner: Owner = null) {
    this.#root = root;
    this.limits = limits;
    this.#owner = owner;
  }

  /**
   * The same content as a variable. {@link apply} changes this tree itself and returns it, and copies nothing that no
   * other version holds. Results of {@link snapshot} and {@link hold} stay unchanged, as with any other tree.
   */
  owned(): Tree {
    return new Tree(this.hold().#root, this.limits, {});
  }

  /** This version as a value, in O(1). From now on, a write copies first. */
  hold(): Tree {
    if (this.#owner === null) return this;
    this.#owner = {};
    return new Tree(this.#root, this.limits);
  }

  /** A tree with only its root. */
  static empty(limits: TreeLimits): Tree {
    return new Tree(DirectoryNode.empty('', 0), limits);
  }

  /**
   * The tree that a {@link snapshot} wrote. `reader` is left after its last byte. If the limits are lower than the
   * content, they only refuse growth.
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
   * Applies one operation as of `op`, the op number in the log, which is never lower than that of the last change. On
   * an error, and when nothing changed, `tree` is this tree. Bytes in a result may belong to the tree, so a caller must
   * never write to them. Values of the operation are copied, so the frame in which they came can be freed.
   */
  apply(operation: Operation, op: Op, acting: Acting = nobody): AppliedOperation {
    // A transaction that fails half-way must leave no trace, so it only owns nodes that it makes itself.
    const apart = operation.kind === 'transaction';
    return this.#change(op, acting, apart, (context) =>
      operation.kind === 'transaction'
        ? applyTransaction(this.#root, operation, context)
        : applySimple(this.#root, operation, context),
    );
  }

  /** Does what the group itself does, in this order, and settles lines of claims. Nothing of it can fail. */
  step(steps: readonly EntryStep[], op: Op, acting: Acting): AppliedOperation {
    return this.#change(op, acting, false, (context) => {
      let root = this.#root;
      for (const step of steps) {
        const place = locate(root, step.path);
        if (!(place instanceof Failure)) root = takeStep(place, step, context, root);
      }
      return { root, result: { kind: 'done', version: 0 } };
    });
  }

  #change(op: Op, acting: Acting, apart: boolean, run: (context: WriteContext) => Applied | Failure): AppliedOperation {
    invariant(op >= this.#root.modified, 'operations are applied in the order of the log');
    const owner = this.#owner !== null && apart ? {} : this.#owner;
    const context = this.#context({ op, owner, acting, together: apart }, new ResultBudget(this.limits));
    const done = run(context);
    const root = done instanceof Failure || context.touched.size === 0 ? null : settle(done.root, context);
    if (done instanceof Failure || root instanceof Failure) {
      const result = done instanceof Failure ? done : (root as Failure);
      return { tree: this, result, changes: nothingChanged, consequences: nothingFollows };
    }
    const { changes, consequences } = context;
    const after = root ?? done.root;
    if (owner !== null) {
      this.#root = after;
      this.#owner = owner;
      return { tree: this, result: ok(done.result), changes, consequences };
    }
    const tree = after === this.#root ? this : new Tree(after, this.limits);
    return { tree, result: ok(done.result), changes, consequences };
  }

  #context(begins: Pick<WriteContext, 'op' | 'owner' | 'acting' | 'together'>, budget: ResultBudget): WriteContext {
    return {
      ...begins,
      limits: this.limits,
      budget,
      changes: [],
      consequences: [],
      touched: new Map(),
      overdue: new Set(),
      sequence: { next: 0 },
      newClaims: [],
    };
  }

  /** Answers an operation that changes nothing; any other is BadArgument. @param budget counts what was done for it. */
  read(operation: Operation, budget: ResultBudget = new ResultBudget(this.limits)): Result<OperationResult> {
    if (!isRead(operation))
      return badArgument('This operation changes the tree and is not a read', { kind: operation.kind });
    const together = operation.kind === 'transaction';
    const context = this.#context({ op: this.#root.modified, owner: null, acting: nobody, together }, budget);
    const done =
      operation.kind === 'transaction'
        ? applyTransaction(this.#root, operation, context)
        : applySimple(this.#root, operation, context);
    return done instanceof Failure ? done : ok(done.result);
  }

  /** Every claim on a lock, a semaphore, a barrier or an election. */
  *claims(): Generator<{ readonly path: string; readonly claim: Claim | Hold }, void> {
    yield* claimsOf('', this.hold().#root);
  }

  /** Every node that has a life, for those who keep the same. */
  *lives(): Generator<{ readonly path: string; readonly node: TreeNode }, void> {
    yield* livesOf('/', this.hold().#root);
  }

  /** Everything that belongs to a session or has a deadline, for those who keep what follows from that. */
  *standing(): Generator<Standing, void> {
    yield* standingOf('', this.hold().#root);
  }

  /**
   * The node at `path`, and with `subtree` everything beneath it, told as changes that create it. It is empty if no
   * node exists there.
   */
  contents(path: string, subtree: boolean): Iterator<TreeChange> {
    const node = find(this.hold().#root, path);
    return node instanceof Failure ? nothingChanged.values() : contents(path, node, subtree);
  }

  /** Holds this version in O(1), so that it can be written in pieces. */
  snapshot(): TreeSnapshot {
    return new TreeSnapshot(this.hold().#root);
  }
}

function* livesOf(path: string, node: TreeNode): Generator<{ readonly path: string; readonly node: TreeNode }, void> {
  if (node.lives === 0) return;
  if (node.life !== null) yield { path, node };
  if (!(node instanceof DirectoryNode)) return;
  for (const child of node.children.values()) yield* livesOf(childPath(path, child.name), child);
}
