/** Directories: their children, and everything beneath them as a live tree. */

import type { Change } from '../../core/service/events.ts';
import type { Child, NodeType } from '../../core/tree/operation.ts';
import type { Codec } from '../codecs.ts';
import { Handle } from '../handle.ts';
import { createWith } from '../claims/lives.ts';
import type { CreateOptions, Created } from '../claims/lives.ts';
import type { Executor } from '../handle.ts';
import { live } from '../live.ts';
import type { Fold, Live, LiveSource } from '../live.ts';
import type { CoreNamespace } from '../namespace.ts';
import { NodeGuards, NodeOps, opOf } from '../operations.ts';
import type { Op } from '../operations.ts';
import type { CallOptions, PageOptions, Written } from '../options.ts';
import { emptyPage, listing } from '../pages.ts';
import type { Listing } from '../pages.ts';
import { Blob } from './blob.ts';
import { Counter } from './counter.ts';
import { deletes } from './fold.ts';
import type { HandleMakers } from './index.ts';
import { Queue } from './queue.ts';
import { SetHandle } from './set.ts';

/** Operations of a directory, for transactions. */
export class DirectoryOps extends NodeOps {
  /** Fails with `PathExists` where a node exists. */
  create(): Op<Written> {
    return this.make('directory', null);
  }
}

/** A node of a live tree. */
export interface LiveNode {
  /** Its path. */
  readonly path: string;
  /** Its type. */
  readonly type: NodeType;
  /** Its version after the last change of the node itself. */
  readonly version: number;
  /** The value of a blob. */
  readonly value: Uint8Array | null;
  /** The value of a counter. */
  readonly number: number | null;
}

/**
 * What a live tree shows of a node besides its version. Items of queues and members of sets need handles of their own.
 */
const shown: Readonly<Record<NodeType, 'value' | 'number' | null>> = {
  directory: null,
  blob: 'value',
  queue: null,
  set: null,
  counter: 'number',
  lock: null,
  semaphore: null,
  barrier: null,
  election: null,
};

/** All nodes at and beneath a path. */
class TreeFold implements Fold<ReadonlyMap<string, LiveNode>> {
  readonly #nodes = new Map<string, LiveNode>();
  #value: ReadonlyMap<string, LiveNode> | null = null;

  clear(): void {
    this.#value = null;
    this.#nodes.clear();
  }

  apply(change: Change): void {
    this.#value = null;
    const { path, type, version } = change;
    if (change.kind === 'deleted') {
      for (const known of this.#nodes.keys()) if (deletes(change, known)) this.#nodes.delete(known);
      return;
    }
    this.#nodes.set(path, {
      path,
      type,
      version,
      value: shown[type] === 'value' ? change.value : null,
      number: shown[type] === 'number' ? change.number : null,
    });
  }

  value(): ReadonlyMap<string, LiveNode> {
    this.#value ??= new Map(this.#nodes);
    return this.#value;
  }
}

/** A child of a directory. */
export interface Entry extends Child {
  /** Its path. */
  readonly path: string;
}

/** A directory. */
export class CoreDirectory extends Handle {
  /** Its operations as values, for transactions. */
  readonly op: DirectoryOps;
  /** Its conditions, for transactions. */
  readonly guard: NodeGuards;

  constructor(executor: Executor, path: string) {
    super(executor, path);
    this.op = new DirectoryOps(path);
    this.guard = new NodeGuards(path);
  }

  /** Makes the directory, and the directories above it. @throws HaretError `PathExists` */
  create(options: CallOptions = {}): Promise<Written> {
    return this.executor.run(() => this.op.create(), options);
  }

  /** @internal */
  get source(): LiveSource<ReadonlyMap<string, LiveNode>> {
    return { type: 'directory', codec: TreeFold, recursive: true, fold: () => new TreeFold() };
  }

  /** Its children, sorted by name. */
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
          emptyPage,
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
          emptyPage,
        ),
      options,
      this.executor.defaultRead,
    );
  }
}

function join(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}

/** A directory that also makes handles of nodes beneath it. A program can follow its changes. */
export class Directory extends CoreDirectory implements HandleMakers {
  /** @throws HaretError `PathExists` */
  override create(options: CreateOptions = {}): Promise<Created> {
    return createWith(this.executor, () => this.op.create(), options);
  }

  /** Everything at and beneath it by path, kept up to date. */
  live(): Live<ReadonlyMap<string, LiveNode>> {
    return live(this);
  }

  /** A value in this directory. To make the handle asks nothing of the cluster. */
  blob<Out, In>(name: string, codec: Codec<Out, In>): Blob<Out, In> {
    return new Blob(this.executor, join(this.path, name), codec);
  }

  /** A queue in this directory. To make the handle asks nothing of the cluster. */
  queue<Out, In>(name: string, codec: Codec<Out, In>): Queue<Out, In> {
    return new Queue(this.executor, join(this.path, name), codec);
  }

  /** A set in this directory. To make the handle asks nothing of the cluster. */
  set<Out, In>(name: string, codec: Codec<Out, In>): SetHandle<Out, In> {
    return new SetHandle(this.executor, join(this.path, name), codec);
  }

  /** A counter in this directory. To make the handle asks nothing of the cluster. */
  counter(name: string): Counter {
    return new Counter(this.executor, join(this.path, name));
  }

  /** A directory in this directory. To make the handle asks nothing of the cluster. */
  directory(name: string): Directory {
    return new Directory(this.executor, join(this.path, name));
  }
}

/** A directory in `namespace`. To make the handle asks nothing of the cluster. */
export function directory(namespace: CoreNamespace, path: string): CoreDirectory {
  return new CoreDirectory(namespace.executor, path);
}
