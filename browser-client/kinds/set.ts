/** Sets of members, compared and sorted by their bytes. */

import { base64FromBytes } from '../../core/base/base64.ts';
import { compareBytes } from '../../core/base/bytes.ts';
import type { Change } from '../../core/service/events.ts';
import type { Guard, SimpleOperation } from '../../core/tree/operation.ts';
import { decode, encode } from '../codecs.ts';
import type { Codec } from '../codecs.ts';
import { Handle } from '../handle.ts';
import { createWith } from '../claims/lives.ts';
import type { CreateOptions, Created } from '../claims/lives.ts';
import type { Executor } from '../handle.ts';
import { live } from '../live.ts';
import type { Live, LiveSource } from '../live.ts';
import type { CoreNamespace } from '../namespace.ts';
import { NodeGuards, NodeOps, number, opOf, truth, upsertOf } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, PageOptions, ReadOptions, Written } from '../options.ts';
import { listing } from '../pages.ts';
import type { Listing } from '../pages.ts';
import { NodeFold } from './fold.ts';
import { valuesPage } from './values-page.ts';

/** Operations of a set, for transactions. */
export class SetOps<Out, In> extends NodeOps {
  readonly #codec: Codec<Out, In>;

  constructor(path: string, codec: Codec<Out, In>) {
    super(path);
    this.#codec = codec;
  }

  /** Fails with `PathExists` where a node exists. */
  create(): Op<Written> {
    return this.make('set', null);
  }

  /** True when the member was not in the set before. */
  insert(member: In): Op<boolean> {
    return this.#member('setInsert', member);
  }

  /** True when the member was in the set. */
  remove(member: In): Op<boolean> {
    return this.#member('setRemove', member);
  }

  /** True when the member is in the set. */
  contains(member: In): Op<boolean> {
    return this.#member('setContains', member);
  }

  /** The number of members. */
  size(): Op<number> {
    return opOf({ kind: 'setSize', path: this.path }, 'number', number);
  }

  /** The members of this set or of any of the others, sorted by their bytes. */
  union(...paths: readonly string[]): Op<Out[]> {
    return this.#members({ kind: 'setUnion', paths: [this.path, ...paths] });
  }

  /** The members of this set that are also in all of the others. */
  intersection(...paths: readonly string[]): Op<Out[]> {
    return this.#members({ kind: 'setIntersection', paths: [this.path, ...paths] });
  }

  /** The members of this set that are not in the other. */
  difference(other: string): Op<Out[]> {
    return this.#members({ kind: 'setDifference', path: this.path, other });
  }

  /** The members of exactly one of the two sets. */
  symmetricDifference(other: string): Op<Out[]> {
    return this.#members({ kind: 'setSymmetricDifference', path: this.path, other });
  }

  /** True when every member is in the other set. The other set is a path in the tree, or members that you give. */
  isSubsetOf(other: string | Iterable<In>): Op<boolean> {
    return opOf({ kind: 'setSubset', path: this.path, other: this.#operand(other) }, 'truth', truth);
  }

  /**
   * True when every member of the other set is in this one. The other set is a path in the tree, or members that you
   * give.
   */
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

/** The conditions on a set, for transactions. */
export class SetGuards<In> extends NodeGuards {
  readonly #codec: Codec<unknown, In>;

  constructor(path: string, codec: Codec<unknown, In>) {
    super(path);
    this.#codec = codec;
  }

  /** The member is in the set. */
  contains(member: In): Guard {
    return { kind: 'setMember', path: this.path, member: encode(this.#codec, member, this.path) };
  }
}

class SetFold<Out> extends NodeFold<readonly Out[]> {
  readonly #codec: Codec<Out, never>;
  readonly #members = new Map<string, Uint8Array>();

  constructor(path: string, codec: Codec<Out, never>) {
    super(path, 'set');
    this.#codec = codec;
  }

  protected empty(): void {
    this.#members.clear();
  }

  protected change({ kind, value }: Change): void {
    if (value === null) return;
    if (kind === 'inserted') this.#members.set(base64FromBytes(value), value);
    else if (kind === 'removed') this.#members.delete(base64FromBytes(value));
  }

  protected make(): readonly Out[] {
    return [...this.#members.values()].sort(compareBytes).map((member) => decode(this.#codec, member, this.path));
  }
}

/** A set of members, compared and sorted by their bytes. */
export class CoreSet<Out, In = Out> extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: SetOps<Out, In>;
  /** Its conditions, for transactions. */
  readonly guard: SetGuards<In>;
  readonly #codec: Codec<Out, In>;

  constructor(executor: Executor, path: string, codec: Codec<Out, In>) {
    super(executor, path);
    this.#codec = codec;
    this.op = new SetOps(path, codec);
    this.guard = new SetGuards(path, codec);
  }

  /** @throws HaretError `PathExists` */
  create(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(), options);
  }

  /** @returns true when the member was not in the set before. */
  insert(member: In, options: CallOptions = {}): Promise<boolean> {
    return this.executor.run(() => upsertOf(this.op.insert(member)), options);
  }

  /** @returns true when the member was in the set. */
  remove(member: In, options: CallOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.remove(member), options, [false]);
  }

  /** True when the member is in the set. */
  contains(member: In, options: ReadOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.contains(member), options, [false]);
  }

  /** The number of members. It is 0 where no set exists. */
  size(options: ReadOptions = {}): Promise<number> {
    return this.executor.run(() => this.op.size(), options, [0]);
  }

  /** @internal */
  get source(): LiveSource<readonly Out[]> {
    return { type: 'set', codec: this.#codec, recursive: false, fold: () => new SetFold(this.path, this.#codec) };
  }

  /** The members in the order of their bytes. */
  members(options: PageOptions = {}): Listing<Out> {
    return listing<Out, Uint8Array>(
      (after, limit, asked) =>
        valuesPage(
          this.executor,
          this.#codec,
          { kind: 'setMembers', path: this.path, limit, after },
          asked,
          (all) => all.at(-1) ?? null,
        ),
      options,
      this.executor.defaultRead,
    );
  }

  /** The members of this set and of `others`. All of these sets must exist. */
  union(others: readonly CoreSet<unknown>[], options: ReadOptions = {}): Promise<Out[]> {
    return this.executor.run(() => this.op.union(...others.map(({ path }) => path)), options);
  }

  /** The members of this set that are also in all of `others`. All of these sets must exist. */
  intersection(others: readonly CoreSet<unknown>[], options: ReadOptions = {}): Promise<Out[]> {
    return this.executor.run(() => this.op.intersection(...others.map(({ path }) => path)), options);
  }

  /** The members of this set that are not in `other`. Both sets must exist. */
  difference(other: CoreSet<unknown>, options: ReadOptions = {}): Promise<Out[]> {
    return this.executor.run(() => this.op.difference(other.path), options);
  }

  /** The members of exactly one of the two sets. Both sets must exist. */
  symmetricDifference(other: CoreSet<unknown>, options: ReadOptions = {}): Promise<Out[]> {
    return this.executor.run(() => this.op.symmetricDifference(other.path), options);
  }

  /** True when every member is also in `other`, which is a set of the namespace or members that you give. */
  isSubsetOf(other: CoreSet<unknown> | Iterable<In>, options: ReadOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.isSubsetOf(other instanceof CoreSet ? other.path : other), options);
  }

  /** True when every member of `other` is also in this set. */
  isSupersetOf(other: CoreSet<unknown> | Iterable<In>, options: ReadOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.isSupersetOf(other instanceof CoreSet ? other.path : other), options);
  }
}

/** A set of members. A program can follow its changes. */
export class SetHandle<Out, In = Out> extends CoreSet<Out, In> {
  /** @throws HaretError `PathExists` */
  override create(options: CreateOptions = {}): Promise<Created> {
    return createWith(this.executor, () => this.op.create(), options);
  }

  /** The members in the order of their bytes, kept up to date. */
  live(): Live<readonly Out[]> {
    return live(this);
  }
}

/** A set in `namespace`. To make the handle asks nothing of the cluster. */
export function set<Out, In>(namespace: CoreNamespace, path: string, codec: Codec<Out, In>): CoreSet<Out, In> {
  return new CoreSet(namespace.executor, path, codec);
}
