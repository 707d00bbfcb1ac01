/**
 * The types of node for which the SDK has handles. Each has its own file with operations, guards, fold, handle, and the
 * function of `haret/core` that makes it. A new type is a new file and a line in each list here. The compiler names the
 * lists that lack it.
 */

import type { ClaimType } from '../../core/tree/names.ts';
import type { NodeType } from '../../core/tree/operation.ts';
import type { Executor, Handle } from '../handle.ts';
import type { HasLive, Live } from '../live.ts';
import type { CoreNamespace } from '../namespace.ts';
import { Blob, blob } from './blob.ts';
import { Counter, counter } from './counter.ts';
import { Directory, directory } from './directory.ts';
import { Queue, queue } from './queue.ts';
import { SetHandle, set } from './set.ts';

/** Types with a line of claims have their handles in `haret/coordination`. They have no value that could be live. */
export type HandleType = Exclude<NodeType, ClaimType>;

type HandleClass = new (
  executor: Executor,
  path: string,
  codec: never,
) => Handle & HasLive<unknown> & { live(): Live<unknown> };

/** The classes of handles that `haret` makes. */
export const handles = {
  directory: Directory,
  blob: Blob,
  queue: Queue,
  set: SetHandle,
  counter: Counter,
} as const satisfies Record<HandleType, HandleClass>;

/** The functions of `haret/core` that make handles. */
export const makers = {
  directory,
  blob,
  queue,
  set,
  counter,
} as const satisfies Record<
  HandleType,
  (namespace: CoreNamespace, path: string, codec: never) => Handle & HasLive<unknown>
>;

/** The methods of a namespace or a directory that make handles. */
export type HandleMakers = {
  readonly [T in keyof typeof handles]: (path: string, codec: never) => InstanceType<(typeof handles)[T]>;
};

export { Blob, blob } from './blob.ts';
export type { BlobGuards, BlobOps, CoreBlob, PutOptions } from './blob.ts';
export { Counter, counter } from './counter.ts';
export type { CoreCounter, CounterOps } from './counter.ts';
export { Directory, directory } from './directory.ts';
export type { CoreDirectory, DirectoryOps, Entry, LiveNode } from './directory.ts';
export { Queue, queue } from './queue.ts';
export type { CoreQueue, QueueOps } from './queue.ts';
export { SetHandle, set } from './set.ts';
export type { CoreSet, SetGuards, SetOps } from './set.ts';
