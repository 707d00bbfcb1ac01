/** The options of the SDK's calls, and the types of their answers. */

import type { ErrorInfo } from '../core/base/errors.ts';
import type { Transport } from '../core/base/ports.ts';
import type { WebSocketConstructor } from './websocket.ts';

/**
 * - `connecting` until a node first answers.
 * - `ready` while a node answers.
 * - `suspended` between two nodes. Calls wait.
 * - `lost` after the cluster ended the session, until there is another one. Writes that were under way ended with
 *   `outcome: 'unknown'`.
 * - `closed` for good.
 */
export type ConnectionState = 'connecting' | 'ready' | 'suspended' | 'lost' | 'closed';

/**
 * How fresh a read must be. `linearizable` sees every write that was answered anywhere before the read began. `local`
 * reads the state of the connected node at once. `{ atLeast: op }` does too, but waits until that state includes `op`,
 * the op number of an answer that you have seen.
 */
export type Read =
  | 'linearizable'
  | 'local'
  | {
      /** An op number. */
      readonly atLeast: number;
    };

/** Options of every call. */
export interface CallOptions {
  /** Ends the call with `Interrupted`. Its `outcome` says whether a write may have happened. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the call with `Timeout` after this many milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** Options of reads. */
export interface ReadOptions extends CallOptions {
  /** The default is {@link ConnectOptions.read}, or else `linearizable`. */
  readonly read?: Read | undefined;
}

/** Options of lists. `timeoutMs` is the time for each page. */
export interface PageOptions extends ReadOptions {
  /** How many entries are fetched at a time. Default 1,000, at most 10,000. */
  readonly pageSize?: number | undefined;
}

/**
 * The position of a write: the node's version after it, and its op number, for reads `{ atLeast: op }` and for fencing.
 */
export interface Written {
  /** The version of the node. */
  readonly version: number;
  /** The op number in the log. It only rises, also over restarts and moves. */
  readonly op: number;
}

/** A value with the version of its node, and the last op in the state of the replica that answered. */
export interface Versioned<T> extends Written {
  /** The value, as its codec decodes it. */
  readonly value: T;
}

/** Why the last connection failed or ended, and at which address. */
export interface Problem {
  /** The address. */
  readonly address: string;
  /** The error. */
  readonly error: ErrorInfo;
}

/**
 * The identity of a client over its restarts: its ClientID, and an incarnation of 32 hexadecimal digits drawn at
 * random.
 */
export interface Identity {
  /** The ClientID: 1 to 64 bytes of text. */
  readonly id: string;
  /**
   * A client with the same incarnation continues where the earlier one ended. A client with another incarnation is a
   * different client.
   */
  readonly incarnation: string;
}

/** Options of {@link connect} and {@link open}. */
export interface ConnectOptions extends CallOptions {
  /**
   * The nodes to try, as `host:port` or URLs (`ws`, `wss`, `http`, `https`). One is enough. With more, the client can
   * connect when one is down.
   */
  readonly urls: string | readonly string[];
  /** Program and version, shown to people who look at sessions. */
  readonly name?: string | undefined;
  /**
   * A ClientID of up to 64 bytes that only this client has, in every namespace in which it writes. While another client
   * holds it and is alive, writes are refused with `ClientIdHeld`. With the incarnation of an earlier process
   * ({@link Haret.identity}), this client replaces that process and gets a session of its own. The earlier process
   * loses its session.
   */
  readonly clientId?: string | Identity | undefined;
  /** The `timeoutMs` of calls that give none. Default 10,000. */
  readonly callTimeoutMs?: number | undefined;
  /** The `read` of reads that give none. Default `linearizable`. */
  readonly read?: Read | undefined;
  /**
   * The codec of messages. In Node the default is `binary`. Browsers only have `superjson`, which is text. Both carry
   * the same messages.
   */
  readonly codec?: 'binary' | 'superjson' | undefined;
  /**
   * Whether to move to the node of the primary, which answers fastest. If it cannot be reached, other nodes forward.
   * Default true in Node. Default false in browsers, because a page often knows only one address for all nodes.
   */
  readonly followRedirects?: boolean | undefined;
  /** How many calls may be under way. One more is refused with `Overloaded`. Default 16,384. */
  readonly maxOutstanding?: number | undefined;
  /** The WebSocket class to use instead of the host's own. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /**
   * The links to use instead of WebSockets: to a node in this process (`inProcess` of `haret/server`), or through a
   * transport of yours.
   */
  readonly transport?: Transport | undefined;
}
