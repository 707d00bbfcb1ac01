/** Single operations and guards as values: what handles send by themselves, and what transactions are made of. */

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
import type { Codec } from './codecs.ts';
import { decode, encode } from './codecs.ts';
import type { Versioned, Written } from './options.ts';

export type { Guard, NodeType, Stat };

/** What is asked of a namespace, with what it will answer. */
export interface Asked<R> {
  /** As it is sent. */
  readonly operation: Operation;
  /** Reads the result; `op` is the op number of the answer. */
  read(result: OperationResult, op: number): R;
}

/** One operation of the tree, with what it will answer. Made by the `op` of a handle. */
export interface Op<R> extends Asked<R> {
  /** As it is sent. */
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

/** The same, and its node is made first where nothing is: in one step, so that what is asked in order happens in order. */
export function upsertOf<R>(op: Op<R>): Asked<R> {
  return { ...op, operation: { kind: 'upsert', operation: op.operation as Upsertable } };
}

/** Which branch of a transaction ran, a result for each of its operations, and when. */
export interface Transacted {
  readonly held: boolean;
  readonly results: readonly SimpleResult[];
  readonly op: number;
}

/** `then` when every guard holds, else `otherwise`. */
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

const written = ({ version }: ResultOf<'done'>, op: number): Written => ({ version, op });
const number = (result: ResultOf<'number'>): number => result.number;
const truth = (result: ResultOf<'truth'>): boolean => result.truth;

/** A condition on the version of the node. */
export interface VersionGuard {
  /** Refuses with `GuardFailed` unless the node has this version. */
  readonly ifVersion?: number | undefined;
}

/** Operations of every type. */
export class NodeOps {
  /** Of the node. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Is there a node of any type? */
  exists(): Op<boolean> {
    return opOf({ kind: 'exists', path: this.path }, 'truth', truth);
  }

  /** Fails with `PathNotFound` where nothing is. */
  stat(): Op<Stat> {
    return opOf({ kind: 'stat', path: this.path }, 'stat', ({ stat }) => stat);
  }

  /** Fails with `PathNotFound` where nothing is. */
  delete({ ifVersion, recursive = false }: VersionGuard & { readonly recursive?: boolean } = {}): Op<Written> {
    return opOf({ kind: 'delete', path: this.path, recursive, ifVersion: ifVersion ?? null }, 'done', written);
  }

  protected make(type: NodeType, value: Uint8Array | null): Op<Written> {
    return opOf({ kind: 'create', path: this.path, type, value }, 'done', written);
  }
}

/** What a transaction may ask of a node of any type. */
export class NodeGuards {
  /** Of the node. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Something is there. */
  exists(): Guard {
    return { kind: 'exists', path: this.path };
  }

  /** Nothing is there. */
  absent(): Guard {
    return { kind: 'absent', path: this.path };
  }

  /** It has this version. Versions start anew when a node is deleted and made again; `created` and `modified` do not. */
  version(version: number): Guard {
    return { kind: 'version', path: this.path, version };
  }

  /** It was created by the entry `op`: unlike a version, that never comes again. */
  created(op: number): Guard {
    return { kind: 'created', path: this.path, op };
  }

  /** It, or anything beneath it, was last changed by the entry `op`. */
  modified(op: number): Guard {
    return { kind: 'modified', path: this.path, op };
  }

  /** It is of this type. */
  type(type: NodeType): Guard {
    return { kind: 'type', path: this.path, type };
  }
}

/** Operations of a blob, for transactions. */
export class BlobOps<Out, In> extends NodeOps {
  readonly #codec: Codec<Out, In>;

  constructor(path: string, codec: Codec<Out, In>) {
    super(path);
    this.#codec = codec;
  }

  /** Fails with `PathExists` where something is. */
  create(value: In): Op<Written> {
    return this.make('blob', encode(this.#codec, value, this.path));
  }

  /** The blob must exist, unless `ifAbsent` asks that it does not. */
  put(
    value: In,
    { ifVersion, ifAbsent = false }: VersionGuard & { readonly ifAbsent?: boolean | undefined } = {},
  ): Op<Written> {
    const stored = encode(this.#codec, value, this.path);
    return opOf(
      { kind: 'blobPut', path: this.path, value: stored, ifVersion: ifVersion ?? null, ifAbsent },
      'done',
      written,
    );
  }

  /** Puts `value` where `expected` is, byte for byte; else fails with `GuardFailed`. */
  replace(expected: In, value: In): Op<Written> {
    return opOf(
      {
        kind: 'blobCas',
        path: this.path,
        expected: encode(this.#codec, expected, this.path),
        value: encode(this.#codec, value, this.path),
      },
      'done',
      written,
    );
  }

  /** The value. Fails with `PathNotFound` where nothing is. */
  get(): Op<Out> {
    return opOf({ kind: 'blobGet', path: this.path }, 'value', ({ value }) => this.#decode(value));
  }

  /** The value with its version. */
  read(): Op<Versioned<Out>> {
    return opOf({ kind: 'blobGet', path: this.path }, 'value', ({ value, version }, op) => ({
      value: this.#decode(value),
      version,
      op,
    }));
  }

  /** Bytes of the value. */
  size(): Op<number> {
    return opOf({ kind: 'blobSize', path: this.path }, 'number', number);
  }

  #decode(value: Uint8Array | null): Out {
    if (value === null) throw haretError('Internal', 'a blob without a value');
    return decode(this.#codec, value, this.path);
  }
}

/** What a transaction may ask of a blob. */
export class BlobGuards<In> extends NodeGuards {
  readonly #codec: Codec<unknown, In>;

  constructor(path: string, codec: Codec<unknown, In>) {
    super(path);
    this.#codec = codec;
  }

  /** Its value is `value`, byte for byte. */
  value(value: In): Guard {
    return { kind: 'blobValue', path: this.path, value: encode(this.#codec, value, this.path) };
  }

  /** Its value has so many bytes. */
  size(size: number): Guard {
    return { kind: 'blobSize', path: this.path, size };
  }
}

/** Operations of a queue, for transactions. */
export class QueueOps<Out, In> extends NodeOps {
  readonly #codec: Codec<Out, In>;

  constructor(path: string, codec: Codec<Out, In>) {
    super(path);
    this.#codec = codec;
  }

  /** Fails with `PathExists` where something is. */
  create(): Op<Written> {
    return this.make('queue', null);
  }

  /** Adds an item at the end. */
  push(item: In): Op<Written> {
    const value = encode(this.#codec, item, this.path);
    return opOf({ kind: 'queuePush', path: this.path, value }, 'done', written);
  }

  /** Takes the first item; undefined when there is none. */
  pop(): Op<Out | undefined> {
    return this.#item('queuePop', true);
  }

  /** The first item, which stays; undefined when there is none. */
  front(): Op<Out | undefined> {
    return this.#item('queueFront', false);
  }

  /** The last item, which stays; undefined when there is none. */
  back(): Op<Out | undefined> {
    return this.#item('queueBack', false);
  }

  /** How many items there are. */
  length(): Op<number> {
    return opOf({ kind: 'queueLength', path: this.path }, 'number', number);
  }

  #item(kind: 'queuePop' | 'queueFront' | 'queueBack', changed: boolean): Op<Out | undefined> {
    return opOf({ kind, path: this.path }, 'value', ({ value }) =>
      value === null ? undefined : decode(this.#codec, value, this.path, changed),
    );
  }
}

/** Operations of a set, for transactions. */
export class SetOps<Out, In> extends NodeOps {
  readonly #codec: Codec<Out, In>;

  constructor(path: string, codec: Codec<Out, In>) {
    super(path);
    this.#codec = codec;
  }

  /** Fails with `PathExists` where something is. */
  create(): Op<Written> {
    return this.make('set', null);
  }

  /** True when it was not in the set before. */
  insert(member: In): Op<boolean> {
    return this.#member('setInsert', member);
  }

  /** True when it was in the set. */
  remove(member: In): Op<boolean> {
    return this.#member('setRemove', member);
  }

  /** True when it is in the set. */
  contains(member: In): Op<boolean> {
    return this.#member('setContains', member);
  }

  /** How many members there are. */
  size(): Op<number> {
    return opOf({ kind: 'setSize', path: this.path }, 'number', number);
  }

  /** Members of this set or of any of the others, sorted by their bytes. */
  union(...paths: readonly string[]): Op<Out[]> {
    return this.#members({ kind: 'setUnion', paths: [this.path, ...paths] });
  }

  /** Members of this set and of all of the others. */
  intersection(...paths: readonly string[]): Op<Out[]> {
    return this.#members({ kind: 'setIntersection', paths: [this.path, ...paths] });
  }

  /** Members of this set that are not in the other. */
  difference(other: string): Op<Out[]> {
    return this.#members({ kind: 'setDifference', path: this.path, other });
  }

  /** Members of one of the two sets. */
  symmetricDifference(other: string): Op<Out[]> {
    return this.#members({ kind: 'setSymmetricDifference', path: this.path, other });
  }

  /** Every member is in the other set: one in the tree, by its path, or one that is given. */
  isSubsetOf(other: string | Iterable<In>): Op<boolean> {
    return opOf({ kind: 'setSubset', path: this.path, other: this.#operand(other) }, 'truth', truth);
  }

  /** Every member of the other set is in this one: one in the tree, by its path, or one that is given. */
  isSupersetOf(other: string | Iterable<In>): Op<boolean> {
    return opOf({ kind: 'setSuperset', path: this.path, other: this.#operand(other) }, 'truth', truth);
  }

  #member(kind: 'setInsert' | 'setRemove' | 'setContains', member: In): Op<boolean> {
    return opOf({ kind, path: this.path, member: encode(this.#codec, member, this.path) }, 'truth', truth);
  }

  #members(operation: SimpleOperation): Op<Out[]> {
    return opOf(operation, 'values', ({ values }) => values.map((value) => decode(this.#codec, value, this.path)));
  }

  #operand(other: string | Iterable<In>): Extract<SimpleOperation, { kind: 'setSubset' }>['other'] {
    if (typeof other === 'string') return { kind: 'path', path: other };
    return { kind: 'members', members: Array.from(other, (member) => encode(this.#codec, member, this.path)) };
  }
}

/** What a transaction may ask of a set. */
export class SetGuards<In> extends NodeGuards {
  readonly #codec: Codec<unknown, In>;

  constructor(path: string, codec: Codec<unknown, In>) {
    super(path);
    this.#codec = codec;
  }

  /** It is in the set. */
  contains(member: In): Guard {
    return { kind: 'setMember', path: this.path, member: encode(this.#codec, member, this.path) };
  }
}

/** Operations of a counter, for transactions. */
export class CounterOps extends NodeOps {
  /** Fails with `PathExists` where something is. */
  create(value = 0): Op<Written> {
    // The tree takes a counter's first value as decimal text.
    return this.make('counter', encode({ name: 'integer', encode: integer, decode: () => value }, value, this.path));
  }

  /** Adds `by`, which may be negative, and answers the sum. */
  add(by: number): Op<number> {
    // Minus zero is no number of the wire.
    return opOf({ kind: 'counterAdd', path: this.path, by: by === 0 ? 0 : by }, 'number', number);
  }

  /** The sum. */
  get(): Op<number> {
    return opOf({ kind: 'counterGet', path: this.path }, 'number', number);
  }
}

function integer(value: number): Uint8Array {
  if (!Number.isSafeInteger(value)) throw new RangeError('not a safe integer');
  return new TextEncoder().encode(String(value));
}

/** Operations of a directory, for transactions. */
export class DirectoryOps extends NodeOps {
  /** Fails with `PathExists` where something is. */
  create(): Op<Written> {
    return this.make('directory', null);
  }
}
