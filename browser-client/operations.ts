/** Single operations and guards as values. Handles send them alone, and transactions are made of them. */

import { haretError } from '../core/base/errors.ts';
import type {
  Guard,
  NodeType,
  Operation,
  OperationResult,
  SimpleOperation,
  SimpleResult,
  Stat,
  Upsertable,
} from '../core/tree/operation.ts';
import type { Written } from './options.ts';

export type { Guard, NodeType, Stat };

/** A question to a namespace, with the type of its answer. */
export interface Asked<R> {
  /** The operation that is sent. */
  readonly operation: Operation;
  /** Reads the result. `op` is the op number of the answer. */
  read(result: OperationResult, op: number): R;
}

/** One operation of the tree, with the type of its answer. The `op` of a handle makes it. */
export interface Op<R> extends Asked<R> {
  /** The operation that is sent. */
  readonly operation: SimpleOperation;
}

type ResultOf<K extends OperationResult['kind']> = Extract<OperationResult, { readonly kind: K }>;

/** An operation whose result is of `kind`. */
export function opOf<O extends Operation, K extends OperationResult['kind'], R>(
  operation: O,
  kind: K,
  read: (result: ResultOf<K>, op: number) => R,
): Asked<R> & { readonly operation: O } {
  return {
    operation,
    read(result, op) {
      if (result.kind !== kind) throw haretError('Internal', `${operation.kind} was answered by ${result.kind}`);
      return read(result as ResultOf<K>, op);
    },
  };
}

/**
 * As the given operation, but first makes its node where none exists. It is one step, so that operations take effect in
 * the order in which they were asked.
 */
export function upsertOf<R>(op: Op<R>): Asked<R> {
  return { ...op, operation: { kind: 'upsert', operation: op.operation as Upsertable } };
}

/** Which branch of a transaction ran, a result for each of its operations, and the op of the entry. */
export interface Transacted {
  readonly held: boolean;
  readonly results: readonly SimpleResult[];
  readonly op: number;
}

/** A transaction that does `then` when every guard holds, otherwise `otherwise`. */
export function transactionOf(
  guards: readonly Guard[],
  then: readonly Op<unknown>[],
  otherwise: readonly Op<unknown>[],
): Asked<Transacted> {
  const plain = ({ operation }: Op<unknown>): SimpleOperation => operation;
  return opOf(
    { kind: 'transaction', guards, then: then.map(plain), otherwise: otherwise.map(plain) },
    'transaction',
    ({ held, results }, op) => {
      if (results.length === (held ? then : otherwise).length) return { held, results, op };
      throw haretError('Internal', 'a transaction with more or fewer results than asked');
    },
  );
}

/** The version and op number that a write reports. */
export const written = ({ version }: ResultOf<'done'>, op: number): Written => ({ version, op });
export const number = (result: ResultOf<'number'>): number => result.number;
export const truth = (result: ResultOf<'truth'>): boolean => result.truth;

/** A condition on the version of the node. */
export interface VersionGuard {
  /** Refuses with `GuardFailed` unless the node has this version. */
  readonly ifVersion?: number | undefined;
}

/** Operations of every type. */
export class NodeOps {
  /** The path of the node. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** True when a node of any type exists. */
  exists(): Op<boolean> {
    return opOf({ kind: 'exists', path: this.path }, 'truth', truth);
  }

  /** Fails with `PathNotFound` where no node exists. */
  stat(): Op<Stat> {
    return opOf({ kind: 'stat', path: this.path }, 'stat', ({ stat }) => stat);
  }

  /** Fails with `PathNotFound` where no node exists. */
  delete({ ifVersion, recursive = false }: VersionGuard & { readonly recursive?: boolean } = {}): Op<Written> {
    return opOf({ kind: 'delete', path: this.path, recursive, ifVersion: ifVersion ?? null }, 'done', written);
  }

  protected make(type: NodeType, value: Uint8Array | null): Op<Written> {
    return opOf({ kind: 'create', path: this.path, type, value }, 'done', written);
  }
}

/** The conditions on a node of any type, for transactions. */
export class NodeGuards {
  /** The path of the node. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A node exists. */
  exists(): Guard {
    return { kind: 'exists', path: this.path };
  }

  /** No node exists. */
  absent(): Guard {
    return { kind: 'absent', path: this.path };
  }

  /**
   * The node has this version. Versions begin again when a node is deleted and made again. `created` and `modified` do
   * not.
   */
  version(version: number): Guard {
    return { kind: 'version', path: this.path, version };
  }

  /** The node was created by the entry `op`. Unlike a version, this op is never used again. */
  created(op: number): Guard {
    return { kind: 'created', path: this.path, op };
  }

  /** The node, or anything beneath it, was last changed by the entry `op`. */
  modified(op: number): Guard {
    return { kind: 'modified', path: this.path, op };
  }

  /** The node has this type. */
  type(type: NodeType): Guard {
    return { kind: 'type', path: this.path, type };
  }
}
