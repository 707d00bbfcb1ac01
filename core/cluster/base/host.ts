/**
 * The boundary between a node and its host: a server process, the simulator or a browser tab. The host makes the ports,
 * hands over accepted links, ticks, and stops the node. Everything else happens inside the node (architecture §1).
 */

import type {
  Clock,
  Disk,
  Hash,
  Interface,
  Link,
  LinkHandler,
  Log,
  Memory,
  Random,
  Transport,
} from '../../base/ports.ts';
import type { Limits } from '../../base/limits.ts';
import type { ClusterId, Incarnation, NamespaceId, Op } from '../../base/ids.ts';
import type { Member } from '../../vr/configuration.ts';
import type { Entry } from '../../vr/entry.ts';
import type { Message } from '../../vr/messages.ts';
import type { ReplicaEvent, ReplicaIdentity, ReplicaView } from '../../vr/ports.ts';

export interface NodePorts {
  readonly disk: Disk;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly log: Log;
  /** Left out where memory has no bound that this host knows. */
  readonly memory?: Memory;
}

/** Times in milliseconds. The host calls `tick` every `tickMs`. */
export interface Timing {
  readonly tickMs: number;
  /** Between the primary's heartbeats when nothing else is sent. */
  readonly heartbeatMs: number;
  /**
   * Silence after which a backup suspects its primary. Each replica adds up to half of it at random (protocol §4.1).
   */
  readonly suspicionMs: number;
  /** The first wait before anything is sent again. It doubles up to `suspicionMs`. */
  readonly resendMs: number;
  /** A session that sends no request and no keep-alive for this long is expired, by an entry in the log. */
  readonly sessionMs: number;
  /** The first wait before a broken peer connection is dialled again. It doubles up to `reconnectMaxMs`. */
  readonly reconnectMs: number;
  readonly reconnectMaxMs: number;
}

export const defaultTiming: Timing = {
  tickMs: 10,
  heartbeatMs: 100,
  suspicionMs: 1000,
  resendMs: 50,
  sessionMs: 600_000,
  reconnectMs: 50,
  reconnectMaxMs: 1000,
};

/** What the host tells a node about the secret. */
export interface SecretOptions {
  /** The configured secrets, the one in force first. When it is empty, the cluster makes its own secret. */
  readonly configured: readonly string[];
  /**
   * For a secret that the cluster made: whether it may be handed to a fresh node at this address, and accepted from any
   * node that offers it at this node's own address. Only traffic that never leaves the machine is as safe as with
   * a secret (protocol §1).
   */
  readonly staysWithin: (address: string) => boolean;
}

export interface NodeOptions {
  readonly name: string;
  /** The `host:port` that other nodes and clients are given. */
  readonly clusterAddress: string;
  readonly adminAddress: string;
  readonly apiAddress: string;
  readonly limits: Limits;
  readonly timing: Timing;
  /**
   * The size of one segment of the log, and the growth of the log after which the next checkpoint is due (protocol §6).
   */
  readonly segmentBytes: number;
  readonly checkpointBytes: number;
  /** With fewer free bytes than this, requests that grow the state are refused with DiskLow (architecture §2). */
  readonly diskReserveBytes: number;
  /** How this node and its peers prove that they belong to one cluster. */
  readonly secret: SecretOptions;
  /** The configuration as `haret-admin config` prints it, secrets hidden. */
  readonly describedConfig: readonly { readonly name: string; readonly value: string }[];
  /** Called for the admin command `log-level`. */
  readonly setLogLevel: (level: 'debug' | 'info' | 'warn' | 'error') => void;
}

/** One Prometheus sample. Names end in their unit, and those of counters in `_total`. */
export interface MetricSample {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A node as seen from outside, for health, for the simulator's checks and for the playground's picture. */
export interface NodeView {
  readonly name: string;
  readonly incarnation: Incarnation;
  readonly cluster: ClusterId | null;
  readonly state: 'unknown' | 'surplus' | 'participating' | 'ejected';
  readonly replicas: readonly ReplicaView[];
  readonly connectedPeers: readonly string[];
  /** The nodes of the cluster, and where clients reach them. */
  readonly nodes: readonly { readonly name: string; readonly apiAddress: string }[];
  readonly clients: ClientTraffic;
}

/**
 * What clients asked of this node and how much was answered since it started. `connections` are those that are open
 * now.
 */
export interface ClientTraffic {
  readonly connections: number;
  /** Writes, reads and requests about sessions, as far as they were accepted. */
  readonly asked: number;
  readonly answered: number;
}

/** The sessions of one namespace as the replica here knows them. */
export interface SessionsView {
  readonly namespace: NamespaceId;
  readonly count: number;
  /** The sessions that were registered last, newest first. */
  readonly newest: readonly SessionView[];
}

export interface SessionView {
  /** The op of its registration. */
  readonly id: number;
  /** The name that its client gave itself. */
  readonly client: string;
  /**
   * Requests that wait at this replica or are in its log, and are not executed yet. The primary knows all of them.
   * Other replicas do not.
   */
  readonly outstanding: number;
  /** Replicated time since its last sign of life. */
  readonly idleMs: number;
}

/**
 * Watches a node from within, for the simulator's checks and the playground's picture. It is called in the middle of a
 * step and must not call back into the node.
 */
export interface NodeObserver {
  applied(replica: ReplicaIdentity, entry: Entry, reply: Uint8Array): void;
  restored(replica: ReplicaIdentity, op: Op): void;
  event(replica: ReplicaIdentity, event: ReplicaEvent): void;
  sent(replica: Member, message: Message): void;
  /** A message came from another node. */
  received(message: Message): void;
}

export interface HostedNode {
  /**
   * Takes the disk, recovers, and begins to dial peers. It is synchronous.
   * @throws HaretError or a store's error that says what is wrong with the directory.
   */
  start(): void;
  tick(): void;
  /** Takes a new link whose handshake is done. The node may refuse it with a typed error and a close. */
  accept(through: Interface, subprotocol: string, link: Link, from: string): LinkHandler;
  /** Refuses new work, hands over what it can, makes everything durable and closes links. Then it calls `done`. */
  stop(done: () => void): void;
  /**
   * `ok` is false only where a restart may help, which is when a replica stopped because of a bug. `problems` also has
   * what the operator should know and a restart would not mend: a disk that is nearly full, or a log that is lost, here
   * or on another node.
   */
  health(): { readonly ok: boolean; readonly problems: readonly string[] };
  /**
   * `ok` when this node can serve clients: it runs, belongs here, and at least one of its namespaces has a primary. With `namespace`, that
   * one must have a primary that this node reaches, and what is committed must be in its state here.
   */
  ready(namespace?: string): { readonly ok: boolean; readonly waitingFor: readonly string[] };
  metrics(): readonly MetricSample[];
  view(): NodeView;
  /** At most `most` sessions for each namespace that has a replica here. */
  sessions(most: number): readonly SessionsView[];
}
