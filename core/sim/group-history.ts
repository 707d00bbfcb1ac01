/**
 * What the checker keeps of a group: its one true log, replayed, and the facts that it compares with what replicas say.
 */

import type { Checksum, Op, SessionId } from '../base/ids.ts';
import { Service } from '../service/service.ts';
import type { ServiceEntry } from '../service/service.ts';
import type { Tree } from '../tree/tree.ts';
import type { StateMachine } from '../vr/ports.ts';
import { ClaimJudge } from './claim-judge.ts';
import { LifeJudge } from './life-judge.ts';
import { SessionModel } from './session-model.ts';

/** What one committed op was, kept once for all replicas. */
export interface Committed {
  readonly checksum: Checksum;
  /** The digest of its body. */
  readonly digest: string;
  readonly reply: Uint8Array;
  /** The tree after the op. Trees are persistent, so it costs little to keep all of them. */
  readonly tree: Tree | null;
}

/** What is known of one group: its one true log, and which replica was primary when. */
export class GroupHistory {
  readonly committed: Committed[] = [];
  readonly headers = new Map<string, Checksum>();
  /** When an entry was first sent, by its checksum, in real milliseconds. It is removed when the entry is committed. */
  readonly madeAtMs = new Map<Checksum, number>();
  readonly primaries = new Map<string, string>();
  readonly executed = new Set<string>();
  /** How often each body was executed, by its digest. */
  readonly bodies = new Map<string, number>();
  readonly reference: StateMachine;
  /** Null for the root group, which has no sessions. */
  readonly sessions: SessionModel | null;
  readonly #claims = new ClaimJudge();
  readonly #lives = new LifeJudge();
  /** The highest timestamp in the log, and the furthest that a timestamp was behind real time. */
  timestamp = 0;
  lagMs = -Infinity;

  constructor(reference: StateMachine) {
    this.reference = reference;
    this.sessions = reference instanceof Service ? new SessionModel(reference.limits) : null;
  }

  /** Judges the tree after the next committed entry. @returns the rule that it breaks, or null. */
  judge(entry: ServiceEntry, service: Service, sessions: SessionModel): string | null {
    const { tree } = service;
    const { timestamp } = sessions;
    let known: ReadonlySet<SessionId> | null = null;
    const exists = (id: SessionId): boolean =>
      (known ??= new Set(service.newestSessions(Number.MAX_SAFE_INTEGER).map((one) => one.id))).has(id);
    return (
      this.#claims.entry(entry, timestamp, tree, { over: (id) => sessions.over(id), exists }) ??
      this.#lives.entry(entry, timestamp, tree, exists)
    );
  }

  get op(): Op {
    return this.committed.length;
  }

  at(op: Op): Committed | undefined {
    return this.committed[op - 1];
  }
}
