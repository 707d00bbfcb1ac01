/** What the checker keeps of a group: its one true log, replayed, and what of it is compared with what replicas say. */

import type { Checksum } from '../base/ids.ts';
import { Service } from '../service/service.ts';
import type { Tree } from '../tree/tree.ts';
import type { StateMachine } from '../vr/ports.ts';
import { SessionModel } from './session-model.ts';

/** What one committed op was, once for all replicas. */
export interface Committed {
  readonly checksum: Checksum;
  /** The digest of its body. */
  readonly digest: string;
  readonly reply: Uint8Array;
  /** The tree after it; trees are persistent, so keeping all of them costs little. */
  readonly tree: Tree | null;
}

/** What is known of one group: its one true log, and who was primary when. */
export class GroupHistory {
  readonly committed: Committed[] = [];
  readonly headers = new Map<string, Checksum>();
  /** When an entry was first sent, by its checksum, in real milliseconds; taken out as it is committed. */
  readonly madeAtMs = new Map<Checksum, number>();
  readonly primaries = new Map<string, string>();
  readonly executed = new Set<string>();
  /** How often each body was executed, by its digest. */
  readonly bodies = new Map<string, number>();
  readonly reference: StateMachine;
  /** Null for the root group, which has none. */
  readonly sessions: SessionModel | null;
  /** The highest timestamp in the log, and the most that one was behind real time. */
  timestamp = 0;
  lagMs = -Infinity;

  constructor(reference: StateMachine) {
    this.reference = reference;
    this.sessions = reference instanceof Service ? new SessionModel(reference.limits) : null;
  }

  get op(): number {
    return this.committed.length;
  }

  at(op: number): Committed | undefined {
    return this.committed[op - 1];
  }
}
