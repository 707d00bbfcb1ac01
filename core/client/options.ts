/** The ports and settings of a client engine, the defaults, and the types of its answers. */

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
  /**
   * The alarms of all clients of one host. Without it, a client has its own. Whatever happens to any of these clients,
   * all alarms are looked at first (coordination §5).
   */
  readonly alarms?: Set<Alarm>;
}

/** Looks at the clock and does what is due. Returns in how many milliseconds it must be called again at the latest. */
export type Alarm = () => number;

/** Times in milliseconds. */
export interface ConnectorOptions {
  /** The nodes to try, as `host:port` or URLs. The first one that answers is used. */
  readonly addresses: readonly string[];
  /**
   * The first wait before another address is tried. It doubles with each round of all addresses up to `reconnectMaxMs`.
   */
  readonly reconnectMs: number;
  readonly reconnectMaxMs: number;
  /**
   * A node that has not completed the handshake in this time is given up. Each time this happens, the next node has
   * twice as long, up to eight times.
   */
  readonly connectTimeoutMs: number;
  /**
   * A connection that owes us answers and says nothing for this long is given up. A ping after a third of it prevents
   * mistakes. The time grows as with `connectTimeoutMs`, because large values over slow networks are silent too, and
   * shrinks again later.
   */
  readonly silenceMs: number;
  /** An idle connection is asked for a sign of life after this time. */
  readonly idlePingMs: number;
  /**
   * How many bytes may wait in a connection's link before it is given up. It is more than all calls that may be
   * outstanding have together.
   */
  readonly maxQueuedBytes: number;
}

export interface ClientOptions extends ConnectorOptions {
  readonly codec: ClientCodec;
  /** Program and version, for people who look at lists of sessions. */
  readonly name: string;
  /**
   * The ClientID that only this client has in its namespaces. Null for sessions without one. While another incarnation
   * holds the ClientID and is alive, writes are refused with ClientIdHeld.
   */
  readonly identity: ClientIdentity | null;
  /** The time-out of a call that has none of its own. */
  readonly requestTimeoutMs: number;
  /**
   * Whether to move to the node of the primary. With one address for all nodes (as in a browser), the client stays and
   * lets the nodes forward.
   */
  readonly followRedirects: boolean;
  /**
   * How many calls, and bytes of their operations, may be waiting or outstanding. One more is refused with Overloaded.
   */
  readonly maxOutstanding: number;
  readonly maxOutstandingBytes: number;
  /** The first wait before a call that was refused for now is sent again. It doubles up to `retryMaxMs`. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** A call without an answer for this long is sent again on the same connection. The time doubles with each resend. */
  readonly resendMs: number;
  /** A session that sent no request for this long is kept alive. */
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

/** The options without a default: the addresses and the codec. */
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
 * `connecting` until a node first answers. `ready` while one answers. `suspended` between nodes, while calls wait.
 * `lost` after the session ended, until there is another one. `closed` for good.
 */
export type ClientState = 'connecting' | 'ready' | 'suspended' | 'lost' | 'closed';

/** The result of `enter`. */
export interface Entered {
  readonly namespace: string;
  readonly namespaceId: NamespaceId;
  readonly epoch: Epoch;
  readonly view: View;
  /** Null when no primary is known now. */
  readonly primary: PrimaryInfo | null;
  /** True when the primary is on the node to which this client is connected. */
  readonly here: boolean;
  /** True when the client moved to the node of the primary. */
  readonly redirected: boolean;
  /** The address to which the client is connected now. */
  readonly apiAddress: string;
}

/** The namespace in which a client works. */
export interface PresentNamespace {
  readonly name: string;
  readonly id: number;
  /** Null before the first write. */
  readonly session: SessionId | null;
  /** True when the session is the one that this holder of its ClientID had before ({@link ClientOptions.identity}). */
  readonly continued: boolean;
}

export type ReadConsistency = 'linearizable' | 'local' | { readonly atLeast: number };

export interface ExecuteOptions {
  /** The consistency of a read. The default is `linearizable`. */
  readonly consistency?: ReadConsistency;
  readonly timeoutMs?: number;
}

/** A call that was made and may be abandoned. */
export interface Pending {
  /**
   * Ends the call with Interrupted, whose outcome says whether it may have happened. After the call has ended, it does
   * nothing.
   */
  abandon(): void;
}

/** Why the last connection failed or ended, for people. */
export interface ConnectionProblem {
  readonly address: string;
  readonly error: ErrorInfo;
}
