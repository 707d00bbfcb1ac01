/** The times of a replica that follow from its timing, each with its name and its reason. */

/** Times in milliseconds; a host's own timing has more fields. */
export interface ReplicaTiming {
  readonly heartbeatMs: number;
  /** Silence after which a backup suspects its primary. */
  readonly suspicionMs: number;
  /** First retry of anything that is resent. */
  readonly resendMs: number;
}

export interface ReplicaTimes {
  /** A suspected primary goes on without us, perhaps: others are asked for what it committed after so long. An election is there before. */
  readonly followMs: number;
  /** Who asks for another view repeats it at least so often: what is not repeated for a suspicion time lapses at the others. */
  readonly askViewMs: number;
  /** Who cannot prove its head asks the voters so often: until they answer it serves nobody. */
  readonly proveMs: number;
  /** A question about a read has no answer for so long: it, or its answer, was lost. */
  readonly readIndexMs: number;
  /** A question for entries has no answer for so long, at first: an answer may be large. */
  readonly entriesMs: number;
  /** The longest wait between questions for entries that brought nothing. */
  readonly entriesMaxMs: number;
  /** A question for a piece of a checkpoint has no answer for so long. */
  readonly chunkMs: number;
  /** Nothing of what is lacking came for so long: the operator hears of it. */
  readonly aloneMs: number;
  /** What the disk was given is not durable for so long: a primary leaves its view to one whose disk works. */
  readonly diskStallMs: number;
  /** What waits for the disk is so old: nothing more is handed to it. */
  readonly diskBehindMs: number;
  /** Who has no room on its disk, and another has, leaves the view to that one after so long. */
  readonly handOverMs: number;
  /** A voter may take so long to report a state that would settle a dispute. */
  readonly disputeMs: number;
}

export function replicaTimes({ suspicionMs, resendMs }: ReplicaTiming): ReplicaTimes {
  return {
    followMs: suspicionMs / 4,
    askViewMs: suspicionMs / 2,
    proveMs: suspicionMs / 4,
    readIndexMs: resendMs * 2,
    entriesMs: resendMs * 4,
    entriesMaxMs: suspicionMs * 2,
    chunkMs: suspicionMs,
    aloneMs: suspicionMs * 30,
    diskStallMs: suspicionMs * 1.5,
    diskBehindMs: suspicionMs * 2,
    handOverMs: suspicionMs,
    disputeMs: suspicionMs * 10,
  };
}
