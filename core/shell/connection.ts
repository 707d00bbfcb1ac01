/**
 * What the shell needs from the world: a connection to the API interface, one to the admin interface, and files. The programs,
 * the web terminal and the tests each bring their own.
 */

import type { WatchOptions, WatchTold } from '../client/watches.ts';
import type { Reply } from '../service/reply.ts';
import type { Operation } from '../tree/operation.ts';
import type { AdminCommand, AdminResult } from '../wire/admin.ts';
import type { Consistency, PrimaryInfo } from '../wire/api.ts';

/** Holds for one call. */
export interface CallOptions {
  /** 0 leaves it to the connection. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface ExecuteOptions extends CallOptions {
  /** How a read is to be answered; writes ignore it (protocol §7). */
  readonly consistency: Consistency;
}

/** What `enter` found out. */
export interface EnterResult {
  readonly epoch: number;
  readonly view: number;
  /** Null when no primary is known now. */
  readonly primary: PrimaryInfo | null;
  /** The client left the node it was connected to for the node of the primary. */
  readonly redirected: boolean;
  /** Seconds after which it makes sense to ask again, when there is no primary. */
  readonly retrySeconds: number;
}

/** Who this client is, for `whoami`. */
export interface ConnectionStatus {
  readonly client: string;
  /** The node that it is connected to, and the address that was dialled. */
  readonly node: string | null;
  readonly address: string;
  readonly session: number | null;
  readonly primary: PrimaryInfo | null;
}

export type ShellWatchOptions = Required<Pick<WatchOptions, 'subtree' | 'values' | 'from' | 'slow'>>;
/** What the shell shows of a watch. */
export type ShellWatchEvent = Extract<WatchTold, { kind: 'event' | 'snapshot' }>;
/** A watch that goes on until it is left. It throws a HaretError when it cannot. */
export interface ShellWatch extends AsyncIterable<ShellWatchEvent> {
  return(): Promise<unknown>;
}

/** Where API commands go. Every call rejects with a `HaretError` when it cannot be answered. */
export interface ShellConnection {
  /** @throws HaretError `UnknownNamespace`. */
  enter(namespace: string, options: CallOptions): Promise<EnterResult>;
  /** Leaves the namespace that was entered; its session ends. */
  leave(options: CallOptions): Promise<void>;
  listNamespaces(options: CallOptions): Promise<readonly string[]>;
  /** An operation that was refused is a reply whose answer is an `error`. */
  execute(operation: Operation, options: ExecuteOptions): Promise<Reply>;
  /** Whole milliseconds that a round trip to the node took. */
  ping(options: CallOptions): Promise<number>;
  /** Watches a path in the namespace that was entered; `signal` ends it by Interrupted. */
  watch(path: string, options: ShellWatchOptions, signal?: AbortSignal): ShellWatch;
  status(): ConnectionStatus;
}

/** Where admin commands go. */
export interface ShellAdmin {
  readonly address: string;
  admin(command: AdminCommand, options: CallOptions): Promise<AdminResult>;
}

/** Reads a file for `@FILE`. @throws an Error whose message says why it cannot. */
export type ReadFile = (path: string) => Promise<Uint8Array>;
