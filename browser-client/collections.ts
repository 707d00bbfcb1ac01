/** Queues, sets, counters and directories. */

import { Blob } from './blob.ts';
import { decode } from './codecs.ts';
import type { Codec } from './codecs.ts';
import type { Child, SimpleOperation } from '../core/tree/operation.ts';
import { CounterFold, QueueFold, SetFold, TreeFold } from './folds.ts';
import type { LiveNode } from './folds.ts';
import { Handle, nothing } from './handle.ts';
import type { Executor } from './handle.ts';
import type { Live } from './live.ts';
import { CounterOps, DirectoryOps, NodeGuards, QueueOps, SetGuards, SetOps, opOf, upsertOf } from './operations.ts';
import type { CallOptions, PageOptions, ReadOptions, Written } from './options.ts';
import { listing } from './pages.ts';
import type { Listing, Page } from './pages.ts';

type Listed = Extract<SimpleOperation, { kind: 'setMembers' | 'queueList' }>;

/** A first-in, first-out queue of items. */
export class Queue<Out, In = Out> extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: QueueOps<Out, In>;
  /** What a transaction may ask of it. */
  readonly guard: NodeGuards;
  readonly #codec: Codec<Out, In>;

  constructor(executor: Executor, path: string, codec: Codec<Out, In>) {
    super(executor, path);
    this.#codec = codec;
    this.op = new QueueOps(path, codec);
    this.guard = new NodeGuards(path);
  }

  /** @throws HaretError `PathExists` */
  create(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(), options);
  }

  /** Adds an item at the end, and makes the queue when it is missing. */
  push(item: In, options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => upsertOf(this.op.push(item)), options);
  }

  /** Takes the first item; undefined when there is none. */
  pop(options: CallOptions = {}): Promise<Out | undefined> {
    return this.executor.run(() => this.op.pop(), options, nothing);
  }

  /** The first item, which stays; undefined when there is none. */
  front(options: ReadOptions = {}): Promise<Out | undefined> {
    return this.executor.run(() => this.op.front(), options, nothing);
  }

  /** The last item, which stays; undefined when there is none. */
  back(options: ReadOptions = {}): Promise<Out | undefined> {
    return this.executor.run(() => this.op.back(), options, nothing);
  }

  /** How many items there are; 0 where there is no queue. */
  length(options: ReadOptions = {}): Promise<number> {
    return this.executor.run(() => this.op.length(), options, [0]);
  }

  /** @internal */
  get liveKey(): string {
    return this.executor.keyOf('queue', this.path);
  }

  /** The items from the front, kept up to date. */
  live(): Live<readonly Out[]> {
    return this.executor.live(this.liveKey, this.#codec, this.path, false, () => new QueueFold(this.path, this.#codec));
  }

  /** The items from the front. Pages count by position: what is popped meanwhile moves those behind it forward. */
  items(options: PageOptions = {}): Listing<Out> {
    return listing<Out, number>(
      (from, limit, asked) =>
        values(
          this.executor,
          this.#codec,
          { kind: 'queueList', path: this.path, limit, from: from ?? 0 },
          asked,
          (all) => (from ?? 0) + all.length,
        ),
      options,
      this.executor.defaultRead,
    );
  }
}

/** A set of members, compared and sorted by their bytes. */
export class SetHandle<Out, In = Out> extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: SetOps<Out, In>;
  /** What a transaction may ask of it. */
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

  /** @returns true when it was not in the set before. */
  insert(member: In, options: CallOptions = {}): Promise<boolean> {
    return this.executor.run(() => upsertOf(this.op.insert(member)), options);
  }

  /** @returns true when it was in the set. */
  remove(member: In, options: CallOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.remove(member), options, [false]);
  }

  /** True when it is in the set. */
  contains(member: In, options: ReadOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.contains(member), options, [false]);
  }

  /** How many members there are; 0 where there is no set. */
  size(options: ReadOptions = {}): Promise<number> {
    return this.executor.run(() => this.op.size(), options, [0]);
  }

  /** @internal */
  get liveKey(): string {
    return this.executor.keyOf('set', this.path);
  }

  /** The members in the order of their bytes, kept up to date. */
  live(): Live<readonly Out[]> {
    return this.executor.live(this.liveKey, this.#codec, this.path, false, () => new SetFold(this.path, this.#codec));
  }

  /** The members in the order of their bytes. */
  members(options: PageOptions = {}): Listing<Out> {
    return listing<Out, Uint8Array>(
      (after, limit, asked) =>
        values(
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
  union(others: readonly SetHandle<unknown>[], options: ReadOptions = {}): Promise<Out[]> {
    return this.executor.run(() => this.op.union(...others.map(({ path }) => path)), options);
  }

  /** The members that are in this set and in all of `others`. All of these sets must exist. */
  intersection(others: readonly SetHandle<unknown>[], options: ReadOptions = {}): Promise<Out[]> {
    return this.executor.run(() => this.op.intersection(...others.map(({ path }) => path)), options);
  }

  /** The members that are not in `other`. Both sets must exist. */
  difference(other: SetHandle<unknown>, options: ReadOptions = {}): Promise<Out[]> {
    return this.executor.run(() => this.op.difference(other.path), options);
  }

  /** The members of either set that are not in both. Both sets must exist. */
  symmetricDifference(other: SetHandle<unknown>, options: ReadOptions = {}): Promise<Out[]> {
    return this.executor.run(() => this.op.symmetricDifference(other.path), options);
  }

  /** Is every member also in `other`, a set of the namespace or members that are given? */
  isSubsetOf(other: SetHandle<unknown> | Iterable<In>, options: ReadOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.isSubsetOf(other instanceof SetHandle ? other.path : other), options);
  }

  /** Is every member of `other` also in this set? */
  isSupersetOf(other: SetHandle<unknown> | Iterable<In>, options: ReadOptions = {}): Promise<boolean> {
    return this.executor.run(() => this.op.isSupersetOf(other instanceof SetHandle ? other.path : other), options);
  }
}

/** Values of one page, decoded. `behind` tells from the values where the next page begins. */
function values<Out, C>(
  executor: Executor,
  codec: Codec<Out, never>,
  operation: Listed,
  options: PageOptions,
  behind: (all: readonly Uint8Array[]) => C | null,
): Promise<Page<Out, C>> {
  return executor.run(
    () =>
      opOf(operation, 'values', ({ values: all, more }, op) => ({
        items: all.map((value) => decode(codec, value, operation.path)),
        next: more ? behind(all) : null,
        op,
      })),
    options,
    empty,
  );
}

/** A list of what does not exist is empty. */
const empty = [{ items: [], next: null, op: 0 }] as const;

/** A whole number of up to 53 bits. */
export class Counter extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: CounterOps;
  /** What a transaction may ask of it. */
  readonly guard: NodeGuards;

  constructor(executor: Executor, path: string) {
    super(executor, path);
    this.op = new CounterOps(path);
    this.guard = new NodeGuards(path);
  }

  /** @throws HaretError `PathExists` */
  create(value = 0, options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(value), options);
  }

  /** The sum; 0 where there is no counter. */
  get(options: ReadOptions = {}): Promise<number> {
    return this.executor.run(() => this.op.get(), options, [0]);
  }

  /** @internal */
  get liveKey(): string {
    return this.executor.keyOf('counter', this.path);
  }

  /** The sum, kept up to date. */
  live(): Live<number> {
    return this.executor.live(this.liveKey, CounterFold, this.path, false, () => new CounterFold(this.path));
  }

  /** Adds `by`, which may be negative. @returns the sum. @throws HaretError `CounterOverflow` past 2^53 - 1. */
  add(by = 1, options: CallOptions = {}): Promise<number> {
    return this.executor.run(() => upsertOf(this.op.add(by)), options);
  }
}

/** A child of a directory. */
export interface Entry extends Child {
  /** Where it is. */
  readonly path: string;
}

/** A directory, and a place to make handles beneath. */
export class Directory extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: DirectoryOps;
  /** What a transaction may ask of it. */
  readonly guard: NodeGuards;

  constructor(executor: Executor, path: string) {
    super(executor, path);
    this.op = new DirectoryOps(path);
    this.guard = new NodeGuards(path);
  }

  /** Makes it, and the directories above it. @throws HaretError `PathExists` */
  create(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(), options);
  }

  /** @internal */
  get liveKey(): string {
    return this.executor.keyOf('directory', this.path);
  }

  /** Everything at and beneath it by path, kept up to date. */
  live(): Live<ReadonlyMap<string, LiveNode>> {
    return this.executor.live(this.liveKey, TreeFold, this.path, true, () => new TreeFold());
  }

  /** What is in it, by name. */
  entries(options: PageOptions = {}): Listing<Entry> {
    return listing<Entry, string>(
      (after, limit, asked) =>
        this.executor.run(
          () =>
            opOf({ kind: 'children', path: this.path, limit, after }, 'children', ({ children, more }, op) => ({
              items: children.map((child) => ({ ...child, path: join(this.path, child.name) })),
              next: more ? (children.at(-1)?.name ?? null) : null,
              op,
            })),
          asked,
          empty,
        ),
      options,
      this.executor.defaultRead,
    );
  }

  /** The paths of everything at and beneath it, depth first, sorted. */
  paths(options: PageOptions = {}): Listing<string> {
    return listing<string, string>(
      (after, limit, asked) =>
        this.executor.run(
          () =>
            opOf({ kind: 'keys', path: this.path, limit, after }, 'paths', ({ paths, more }, op) => ({
              items: paths,
              next: more ? (paths.at(-1) ?? null) : null,
              op,
            })),
          asked,
          empty,
        ),
      options,
      this.executor.defaultRead,
    );
  }

  /** A value in it. Asks nothing of the cluster. */
  blob<Out, In>(name: string, codec: Codec<Out, In>): Blob<Out, In> {
    return new Blob(this.executor, join(this.path, name), codec);
  }

  /** A queue in it. Asks nothing of the cluster. */
  queue<Out, In>(name: string, codec: Codec<Out, In>): Queue<Out, In> {
    return new Queue(this.executor, join(this.path, name), codec);
  }

  /** A set in it. Asks nothing of the cluster. */
  set<Out, In>(name: string, codec: Codec<Out, In>): SetHandle<Out, In> {
    return new SetHandle(this.executor, join(this.path, name), codec);
  }

  /** A counter in it. Asks nothing of the cluster. */
  counter(name: string): Counter {
    return new Counter(this.executor, join(this.path, name));
  }

  /** A directory in it. Asks nothing of the cluster. */
  directory(name: string): Directory {
    return new Directory(this.executor, join(this.path, name));
  }
}

function join(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}
