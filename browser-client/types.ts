/** The types that every entry point of the client exports. */

export type { ErrorCode, ErrorDetails, ErrorInfo, Outcome } from '../core/base/errors.ts';
export type { Frame, Link, LinkHandler, Transport } from '../core/base/ports.ts';
export type { DeleteOptions, Handle } from './handle.ts';
export type { ServerInfo } from './haret.ts';
export type {
  BlobGuards,
  BlobOps,
  CounterOps,
  DirectoryOps,
  Entry,
  LiveNode,
  PutOptions,
  QueueOps,
  SetGuards,
  SetOps,
} from './kinds/index.ts';
export type { Live, LiveState } from './live.ts';
export type { Asked, Guard, NodeGuards, NodeOps, NodeType, Op, Stat, VersionGuard } from './operations.ts';
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
