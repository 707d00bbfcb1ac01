/** What the SDK's calls may be asked, and what they answer with. */

import type { ErrorInfo } from '../core/base/errors.ts';
import type { Transport } from '../core/base/ports.ts';
import type { WebSocketConstructor } from './websocket.ts';

/**
 * - `connecting` until a node first answers;
 * - `ready` while one does;
 * - `suspended` between two nodes: what is asked waits;
 * - `lost` after the cluster let the session go, until there is another: what was under way ended with `outcome: 'unknown'`;
 * - `closed` for good.
 */
export type ConnectionState = 'connecting' | 'ready' | 'suspended' | 'lost' | 'closed';

/**
 * How fresh a read must be: `linearizable` sees every write that was answered before it began, anywhere; `local` is what the node at the
 * other end has, at once; `{ atLeast: op }` is that too, but not before `op`, the `op` of an answer that you have seen.
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
  /** Ends the call with `Interrupted`; its `outcome` says whether a write may have happened. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the call with `Timeout` after so many milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** Options of reads. */
export interface ReadOptions extends CallOptions {
  /** `linearizable` unless {@link ConnectOptions.read} says otherwise. */
  readonly read?: Read | undefined;
}

/** Options of lists. `timeoutMs` is the time of each page. */
export interface PageOptions extends ReadOptions {
  /** Entries that are asked for at a time; 1,000 unless told, 10,000 at most. */
  readonly pageSize?: number | undefined;
}

/** Where a write stands: the node's version after it, and its op number, for reads `{ atLeast: op }` and for fencing. */
export interface Written {
  /** The node's. */
  readonly version: number;
  /** Of the log: it only rises, also over restarts and moves. */
  readonly op: number;
}

/** A value with the version of its node, and the op number up to which the replica that answered had come. */
export interface Versioned<T> extends Written {
  /** As its codec reads it. */
  readonly value: T;
}

/** Why the last connection failed or ended, and at which address. */
export interface Problem {
  /** Where it was. */
  readonly address: string;
  /** What became of it. */
  readonly error: ErrorInfo;
}

/** Who a client is, for good: its ClientID, and which of its lives this is, 32 hexadecimal digits drawn at random. */
export interface Identity {
  /** The ClientID: 1 to 64 bytes of text. */
  readonly id: string;
  /** Whoever has the same goes on where the other ended; any other is another. */
  readonly incarnation: string;
}

/** Options of {@link connect} and {@link open}. */
export interface ConnectOptions extends CallOptions {
  /** Nodes to try, as `host:port` or URLs (`ws`, `wss`, `http`, `https`). One is enough; more survive its absence. */
  readonly urls: string | readonly string[];
  /** Program and version, shown to people who look at sessions. */
  readonly name?: string | undefined;
  /**
   * A ClientID that this client has alone in every namespace that it writes in, of up to 64 bytes. While another holds it and is alive,
   * writes are refused as `ClientIdHeld`. Given with the incarnation that an earlier process had ({@link Haret.identity}), it goes on in
   * that one's place with a session of its own, and that one is out.
   */
  readonly clientId?: string | Identity | undefined;
  /** `timeoutMs` of calls that name none. Default 10,000. */
  readonly callTimeoutMs?: number | undefined;
  /** `read` of reads that name none. Default `linearizable`. */
  readonly read?: Read | undefined;
  /** What is spoken: `binary` in Node unless told; in browsers `superjson`, a text, and nothing else. Both carry the same. */
  readonly codec?: 'binary' | 'superjson' | undefined;
  /**
   * Move to the node of the primary, which answers soonest; where it cannot be reached, nodes forward. Default true in Node; false in
   * browsers, whose page often knows one address for all nodes.
   */
  readonly followRedirects?: boolean | undefined;
  /** Calls that may be under way; one more is refused as `Overloaded`. Default 16,384. */
  readonly maxOutstanding?: number | undefined;
  /** The WebSocket to use in place of the host's own. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** Links in place of WebSockets: to a node in this process (`inProcess` of `haret/server`), or through something of yours. */
  readonly transport?: Transport | undefined;
}
