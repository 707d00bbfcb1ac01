/**
 * Every bound that is the same for a whole node or that the protocol relies on, with its default. Each is a
 * configuration key of the same name. The error at a bound names the limit and the actual value (architecture §2).
 */

export interface Limits {
  /** Bytes of one frame on the API and admin interfaces. */
  readonly maxFrameBytes: number;
  /** Bytes of one frame between nodes. */
  readonly maxPeerFrameBytes: number;
  /** Bytes of one value: a blob, a member, a queued item. */
  readonly maxValueBytes: number;
  /** Operations and guards in one transaction, together. */
  readonly maxTransactionItems: number;
  /** Bytes of one operation's body. */
  readonly maxBodyBytes: number;
  /** Bytes of the keys and values of a namespace. */
  readonly maxNamespaceBytes: number;
  /** Nodes in the tree of a namespace. */
  readonly maxNamespaceKeys: number;
  /** Children of one directory, members of one set, items of one queue. */
  readonly maxChildren: number;
  /**
   * Sessions of one namespace. One more evicts the session that was idle longest, by an entry in the log, unless that
   * session is alive.
   */
  readonly maxSessions: number;
  /** Sessions that one connection may register or use. */
  readonly maxSessionsPerConnection: number;
  /** Requests that one session may have outstanding. */
  readonly maxWindow: number;
  /** Bytes of the replies that one session's window may hold. */
  readonly maxWindowReplyBytes: number;
  /** Requests that wait at a primary to be prepared. */
  readonly maxPendingRequests: number;
  readonly maxPendingBytes: number;
  /** Reads that wait at a replica for their round of confirmation. */
  readonly maxPendingReads: number;
  /** Entries and bytes of one Prepare. */
  readonly maxBatchEntries: number;
  readonly maxBatchBytes: number;
  /** Entries that are prepared and not yet committed: P of protocol §2. */
  readonly maxPipelineEntries: number;
  /** Bytes queued for one peer or client before its connection is closed. */
  readonly maxQueuedBytes: number;
  readonly maxApiConnections: number;
  readonly maxAdminConnections: number;
  readonly maxClusterConnections: number;
  /** Watches that one connection may have. */
  readonly maxWatches: number;
  /**
   * Replicated time and bytes of the changes that a replica remembers for watches that resume from an earlier op. This
   * costs memory on every node, so the default is modest (architecture §5). A watch that resumes from an older op
   * starts with a snapshot.
   */
  readonly watchHistoryMs: number;
  readonly watchHistoryBytes: number;
  /** Replicas that a node runs. */
  readonly maxReplicas: number;
}

const mebi = 1024 * 1024;

/** On its own, because a client needs no other limit: a node tells clients the rest. */
export const defaultMaxFrameBytes: number = 4 * mebi;

export const defaultLimits: Limits = {
  maxFrameBytes: defaultMaxFrameBytes,
  maxPeerFrameBytes: 16 * mebi,
  maxValueBytes: mebi,
  maxTransactionItems: 1024,
  maxBodyBytes: 2 * mebi,
  maxNamespaceBytes: 1024 * mebi,
  maxNamespaceKeys: 2_000_000,
  maxChildren: 1_000_000,
  maxSessions: 20_000,
  maxSessionsPerConnection: 1000,
  maxWindow: 4096,
  maxWindowReplyBytes: 4 * mebi,
  maxPendingRequests: 16_384,
  maxPendingBytes: 64 * mebi,
  maxPendingReads: 65_536,
  maxBatchEntries: 1024,
  maxBatchBytes: mebi,
  maxPipelineEntries: 4096,
  maxQueuedBytes: 64 * mebi,
  maxApiConnections: 12_000,
  maxAdminConnections: 2_000,
  maxClusterConnections: 2_000,
  maxWatches: 4096,
  watchHistoryMs: 600_000,
  watchHistoryBytes: 16 * mebi,
  maxReplicas: 4096,
};
