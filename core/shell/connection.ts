/**
 * What the shell needs from its host: a connection to the API interface, one to the admin interface, and files. The
 * programs, the web terminal and the tests each bring their own.
 */

import type { HaretError } from '../base/errors.ts';
import type { WatchOptions, WatchTold } from '../client/watches.ts';
import type { Reply } from '../service/reply.ts';
import type { Asked, Operation } from '../tree/operation.ts';
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

/** What a shell claims: a place in the line of a lock, a semaphore, a barrier or an election. */
export type ClaimWish = Asked<'claim'> | (Asked<'steal'> & { readonly put: object });

/** A claim that was granted. */
export interface ShellHold {
  readonly path: string;
  /** The op that made the claim. */
  readonly claim: number;
  readonly token: number;
  /** The error `Lost` once it can no longer be counted on. */
  readonly lost: HaretError | null;
  /** Calls the listener when it is lost, at once if it is lost already. */
  onLost(listener: (error: HaretError) => void): void;
  /** Gives it up. @throws HaretError when it cannot be said whether this was done. */
  release(options: CallOptions): Promise<void>;
}

/** What a shell takes from a queue. */
export type TakeWish = Asked<'queueTake'>;

/** An item of a queue that a shell took. */
export interface ShellJob {
  readonly path: string;
  readonly item: number;
  readonly attempts: number;
  readonly receipt: number;
  readonly value: Uint8Array;
  /** The error once it can no longer be counted on: `Lost`, or `Closed` if it is finished. */
  readonly lost: HaretError | null;
  /** Calls the listener when that happens, at once if it has happened. */
  onLost(listener: (error: HaretError) => void): void;
  /** The shell acknowledges it or gives it back now. It is not extended any more. */
  finish(): void;
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
  /**
   * Waits until a claim is granted. `signal` gives it up. Null when it passed a barrier, and so holds nothing.
   * @throws HaretError `Held`, `WaitOver` and others when it is not granted.
   */
  claim(wish: ClaimWish, options: CallOptions): Promise<ShellHold | null>;
  /** Takes items of a queue. Until they are finished, they are extended. None: there was none in time. */
  take(wish: TakeWish, options: CallOptions): Promise<readonly ShellJob[]>;
  status(): ConnectionStatus;
}

/** Executes admin commands. */
export interface ShellAdmin {
  readonly address: string;
  admin(command: AdminCommand, options: CallOptions): Promise<AdminResult>;
}

/** Reads a file for `@FILE`. @throws an Error that says why it cannot. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** How a program ended. */
export interface ProgramEnd {
  /** Its exit status. For a signal that ended it, 128 and the number of the signal. */
  readonly status: number;
  /** What it did instead of ending well, as a predicate: `ended with status 42`. Null when it ended well. */
  readonly problem: string | null;
}

/**
 * Runs a program of this machine with these words, and with more in its environment, and waits for its end. It is
 * asked to end when what it is run for is lost.
 */
export type RunProgram = (
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  hold: Pick<ShellHold, 'onLost'>,
) => Promise<ProgramEnd>;
