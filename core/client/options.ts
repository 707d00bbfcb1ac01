/** What a client engine is given: its ports, its settings with their defaults, and what it answers with. */

import type { ErrorInfo } from '../base/errors.ts';
import type { Epoch, NamespaceId, SessionId, View } from '../base/ids.ts';
import type { Clock, Random, Transport } from '../base/ports.ts';
import type { ClientIdentity } from '../service/body.ts';
import type { ClientCodec } from '../wire/api-client.ts';
import type { PrimaryInfo } from '../wire/api.ts';

export interface ClientPorts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
}

/** Times in milliseconds. */
export interface ConnectorOptions {
  /** Nodes to try, as `host:port` or URLs; the first one that answers is taken. */
  readonly addresses: readonly string[];
  /** First wait before another address is tried; it doubles with each round of them up to `reconnectMaxMs`. */
  readonly reconnectMs: number;
  readonly reconnectMaxMs: number;
  /** A node that has not completed the handshake in this time is given up. Each time one was, the next has twice as long, up to eight times. */
  readonly connectTimeoutMs: number;
  /**
   * A connection that owes us answers and says nothing for so long is given up; a ping at a third of it prevents mistakes. Patience grows as with
   * `connectTimeoutMs`, because large values over slow ways are silent too, and wears off.
   */
  readonly silenceMs: number;
  /** An idle connection is asked for a sign of life so often. */
  readonly idlePingMs: number;
  /** Bytes that may wait in a connection's link before it is given up: more than all calls that may be outstanding come to. */
  readonly maxQueuedBytes: number;
}

export interface ClientOptions extends ConnectorOptions {
  readonly codec: ClientCodec;
  /** Program and version, for people who look at sessions. */
  readonly name: string;
  /**
   * The ClientID that this client has alone in its namespaces; null for sessions that anyone may have. While another incarnation holds it
   * and is alive, writes are refused as ClientIdHeld.
   */
  readonly identity: ClientIdentity | null;
  /** For a call that names no time-out of its own. */
  readonly requestTimeoutMs: number;
  /** Go to the node of the primary. Behind one address for all nodes (a browser's), stay and let the nodes forward. */
  readonly followRedirects: boolean;
  /** Calls, and bytes of their operations, that may be waiting or outstanding; one more is refused as Overloaded. */
  readonly maxOutstanding: number;
  readonly maxOutstandingBytes: number;
  /** First wait before what was refused for now is sent again; it doubles up to `retryMaxMs`. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** What has no answer for so long is sent again on the same connection; the time doubles with each resend. */
  readonly resendMs: number;
  /** A session that asked nothing for so long is kept alive. */
  readonly keepAliveMs: number;
}

const mebi = 1024 * 1024;

export const defaultConnectorOptions: Omit<ConnectorOptions, 'addresses'> = {
  reconnectMs: 50,
  reconnectMaxMs: 2000,
  connectTimeoutMs: 1000,
  silenceMs: 1200,
  idlePingMs: 15_000,
  maxQueuedBytes: 128 * mebi,
};

/** Where to go, and what is spoken: what has no default. */
export type GivenOptions = Pick<ClientOptions, 'addresses' | 'codec'>;

export const defaultClientOptions: Omit<ClientOptions, keyof GivenOptions> = {
  ...defaultConnectorOptions,
  name: 'haret',
  identity: null,
  requestTimeoutMs: 10_000,
  followRedirects: true,
  maxOutstanding: 16_384,
  maxOutstandingBytes: 64 * mebi,
  retryMs: 20,
  retryMaxMs: 250,
  resendMs: 2000,
  keepAliveMs: 30_000,
};

/**
 * `connecting` until a node first answers; `ready` while one does; `suspended` between nodes, when what is asked waits;
 * `lost` after the session ended, until there is another; `closed` for good.
 */
export type ClientState = 'connecting' | 'ready' | 'suspended' | 'lost' | 'closed';

/** What `enter` found. */
export interface Entered {
  readonly namespace: string;
  readonly namespaceId: NamespaceId;
  readonly epoch: Epoch;
  readonly view: View;
  /** Null when no primary is known now. */
  readonly primary: PrimaryInfo | null;
  /** The primary is on the node that this client is connected to. */
  readonly here: boolean;
  /** The client moved to the node of the primary. */
  readonly redirected: boolean;
  /** Where the client is connected now. */
  readonly apiAddress: string;
}

/** The namespace that a client is in. */
export interface PresentNamespace {
  readonly name: string;
  readonly id: number;
  /** Null before the first write. */
  readonly session: SessionId | null;
  /** The session is the one that this holder of its ClientID had before ({@link ClientOptions.identity}). */
  readonly continued: boolean;
}

export type ReadConsistency = 'linearizable' | 'local' | { readonly atLeast: number };

export interface ExecuteOptions {
  /** For reads; `linearizable` unless told. */
  readonly consistency?: ReadConsistency;
  readonly timeoutMs?: number;
}

/** A call that was made. */
export interface Pending {
  /** Ends it with Interrupted, whose outcome says whether it may have happened. Too late, it does nothing. */
  abandon(): void;
}

/** Why the last connection failed or ended, for people. */
export interface ConnectionProblem {
  readonly address: string;
  readonly error: ErrorInfo;
}
