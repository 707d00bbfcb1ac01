/**
 * haret's client, the same in Node and in browsers: `connect`, then `namespace`, then handles (`blob`, `queue`, `set`, `counter`,
 * `directory`) and transactions.
 *
 * @module haret
 */

export { bytes, json, superjson, text } from './codecs.ts';
export type { Codec, Issue, StandardSchema, Validated } from './codecs.ts';
export { HaretError } from '../core/base/errors.ts';
export type { ErrorCode, ErrorDetails, ErrorInfo, Outcome } from '../core/base/errors.ts';
export type { Frame, Link, LinkHandler, Transport } from '../core/base/ports.ts';
export { Blob } from './blob.ts';
export type { PutOptions } from './blob.ts';
export { Counter, Directory, Queue, SetHandle } from './collections.ts';
export type { Entry } from './collections.ts';
export { connect, open } from './connect.ts';
export type { LiveNode } from './folds.ts';
export type { DeleteOptions, Handle } from './handle.ts';
export type { Haret, ServerInfo } from './haret.ts';
export type { Live, LiveState } from './live.ts';
export type { Namespace } from './namespace.ts';
export type {
  Asked,
  BlobGuards,
  BlobOps,
  CounterOps,
  DirectoryOps,
  Guard,
  NodeGuards,
  NodeOps,
  NodeType,
  Op,
  QueueOps,
  SetGuards,
  SetOps,
  Stat,
  VersionGuard,
} from './operations.ts';
export type {
  CallOptions,
  ConnectOptions,
  ConnectionState,
  Identity,
  PageOptions,
  Problem,
  Read,
  ReadOptions,
  Versioned,
  Written,
} from './options.ts';
export type { Listing } from './pages.ts';
export type { Committed, OpsOf, Txn } from './txn.ts';
export type { Change, Watch, WatchEvent, WatchOptions, WatchProgress, WatchSnapshot, WatchUpdate } from './watch.ts';
export type { WebSocketConstructor, WebSocketLike } from './websocket.ts';
