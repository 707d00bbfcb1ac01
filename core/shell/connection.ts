/**
 * What the shell needs from its host: a connection to the API interface, one to the admin interface, and files. The
 * programs, the web terminal and the tests each bring their own.
 */

import type { WatchOptions, WatchTold } from '../client/watches.ts';
import type { Reply } from '../service/reply.ts';
import type { Operation } from '../tree/operation.ts';
import type { AdminCommand, AdminResult } from '../wire/admin.ts';
import type { Consistency, PrimaryInfo } from '../wire/api.ts';

/** Options of one call. */
export interface CallOptions {
  /** 0 means the default of the connection. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface ExecuteOptions extends CallOptions {
  /** The consistency of a read. Writes ignore it (protocol §7). */
  readonly consistency: Consistency;
}

/** The result of `enter`. */
export interface EnterResult {
  readonly epoch: number;
  readonly view: number;
  /** Null when no primary is known now. */
  readonly primary: PrimaryInfo | null;
  /** True when the client moved to the node of the primary. */
  readonly redirected: boolean;
  /** When there is no primary, the user should ask again after this many seconds. */
  readonly retrySeconds: number;
}

/** The identity of this client, for `whoami`. */
export interface ConnectionStatus {
  readonly client: string;
  /** The node to which it is connected, and the address that was dialled. */
  readonly node: string | null;
  readonly address: string;
  readonly session: number | null;
  readonly primary: PrimaryInfo | null;
}

export type ShellWatchOptions = Required<Pick<WatchOptions, 'subtree' | 'values' | 'from' | 'slow'>>;
/** The events of a watch that the shell shows. */
export type ShellWatchEvent = Extract<WatchTold, { kind: 'event' | 'snapshot' }>;
/** A watch that goes on until it is left. It throws a HaretError when it cannot go on. */
export interface ShellWatch extends AsyncIterable<ShellWatchEvent> {
  return(): Promise<unknown>;
}

/** Executes API commands. Every call rejects with a `HaretError` when it cannot be answered. */
export interface ShellConnection {
  /** @throws HaretError `UnknownNamespace`. */
  enter(namespace: string, options: CallOptions): Promise<EnterResult>;
  /** Leaves the namespace that was entered. Its session ends. */
  leave(options: CallOptions): Promise<void>;
  listNamespaces(options: CallOptions): Promise<readonly string[]>;
  /** When an operation was refused, the answer of the reply is an `error`. */
  execute(operation: Operation, options: ExecuteOptions): Promise<Reply>;
  /** The round trip to the node, in whole milliseconds. */
  ping(options: CallOptions): Promise<number>;
  /** Watches a path in the namespace that was entered. `signal` ends the watch with Interrupted. */
  watch(path: string, options: ShellWatchOptions, signal?: AbortSignal): ShellWatch;
  status(): ConnectionStatus;
}

/** Executes admin commands. */
export interface ShellAdmin {
  readonly address: string;
  admin(command: AdminCommand, options: CallOptions): Promise<AdminResult>;
}

/** Reads a file for `@FILE`. @throws an Error that says why it cannot. */
export type ReadFile = (path: string) => Promise<Uint8Array>;
