/**
 * The interface between the bench and what it measures: a cluster of three nodes that can be started, killed and
 * paused, and a connection to it.
 */

/** Called once for each request. `valueBytes` is the size that a get read, and 0 for anything else. */
export type Done = (error: Error | null, valueBytes: number) => void;

/**
 * One connection of a client. Several calls may be outstanding at once. What is asked in one turn leaves in one write.
 */
export interface Connection {
  /** Creates a key that does not exist yet. */
  create(key: string, value: Uint8Array, done: Done): void;
  /** Overwrites a key that exists. */
  put(key: string, value: Uint8Array, done: Done): void;
  get(key: string, linearizable: boolean, done: Done): void;
  /** Why it can carry nothing more, or null while it can. */
  failure(): Error | null;
  close(): void;
}

export const clientKinds = [
  'haret-bare',
  'haret-engine',
  'haret-sdk',
  'etcd-frames',
  'etcd-node',
  'zookeeper',
] as const;
export type ClientKind = (typeof clientKinds)[number];

/** What the driver's process needs to reach a target. It travels as JSON. */
export interface ClientSpec {
  readonly client: ClientKind;
  /** `host:port` of each node's client interface. Connections are spread over them in turn. */
  readonly addresses: readonly string[];
}

/** Three nodes of one system, each a process of its own with an empty directory of its own. */
export interface Target {
  readonly name: string;
  /** What it is and how it was started, for the report. */
  describe(): string;
  /** Starts the nodes and waits until a write can be done. */
  start(): Promise<void>;
  /** Ends the nodes and removes their directories. */
  stop(): Promise<void>;
  /** Process ids by node. A node that is down has null. */
  pids(): readonly (number | null)[];
  clientKind(): ClientKind;
  /** `host:port` of each node's client interface. */
  addresses(): readonly string[];
  /** The node that orders writes now: haret's primary, or the leader of the others. */
  primary(): Promise<number>;
  /** Ends a node at once, as a crash does. */
  kill(node: number): Promise<void>;
  signal(node: number, signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Starts a node that was killed, with its old data. Does not wait for it. */
  restart(node: number): void;
  /** True when the node itself says that it is ready to serve. */
  ready(node: number): Promise<boolean>;
}

/** The directory of all keys that are read and written. It has the same name in every system. */
export const keyRoot = '/bench';

export function keyName(index: number): string {
  return `${keyRoot}/k${String(index).padStart(7, '0')}`;
}
