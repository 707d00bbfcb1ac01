/**
 * Who asks for an operation and when, and what follows from it outside of the tree (coordination §2, §3). The tree knows
 * what belongs to whom. Sessions are kept elsewhere, so what an operation does to them is told, and done only if the
 * operation succeeds.
 */

import type { Op, RequestNumber, SessionId } from '../base/ids.ts';
import type { Failure } from './failure.ts';
import type { NoticeKind, NoticeReason } from './names.ts';

/** What the tree asks about sessions. */
export interface SessionsView {
  /** True when a session has ended, or is due by the clock of this entry. Nothing is granted to it any more. */
  over(session: SessionId): boolean;
  /** Until when its holder may count on what it holds: its last renewal and its lease. */
  countsUntil(session: SessionId): number;
  /**
   * Why the session may not have one more belonging, after those of this entry, which set this lease or 0.
   * @param leaseMs asked for; null for any.
   */
  refuses(
    session: SessionId,
    leaseMs: number | null,
    entry: { readonly count: number; readonly leaseMs: number },
  ): Failure | null;
  /** How many more belongings the session may have, without those of this entry. */
  room(session: SessionId): number;
  /** The op of the last change of a belonging that none of the session's own requests answers (coordination §3). */
  changed(session: SessionId): Op;
}

export interface Acting {
  /** 0 for what the group itself does. */
  readonly session: SessionId;
  readonly request: RequestNumber;
  /** The replicated clock of the entry. */
  readonly now: number;
  readonly sessions: SessionsView;
}

/** Something at a path. The op that made it names it, together with the path. */
export interface Named {
  readonly path: string;
  readonly id: Op;
  /** The item of a job. Its id is the receipt. */
  readonly item?: number;
}

/** An item that was given to a session. */
export interface GivenItem {
  readonly id: number;
  readonly attempts: number;
}

export const belongingKinds = ['claim', 'ephemeral'] as const;
export type BelongingKind = (typeof belongingKinds)[number];

/** What belongs to a session, and is given up when the session ends. */
export interface Belonging extends Named {
  readonly kind: BelongingKind;
}

/** What a session is told of a belonging of its own that changed without a request of its own (coordination §3). */
export interface Told {
  readonly path: string;
  /** The op that made the claim, or the ephemeral. */
  readonly claim: Op;
  readonly kind: NoticeKind;
  /** 0 when nothing was granted. */
  readonly token: Op;
  readonly reason: NoticeReason | null;
  /** Until when the room of a revoked hold stays taken, or when granted items are taken back. */
  readonly until: number | null;
  /** What a take was given: for each item its number, and how often it was taken. */
  readonly items?: readonly number[];
}

export const deadlineKinds = ['shadow', 'wait', 'job', 'delay', 'ttl'] as const;
/** In the order in which they are done when they are due together (coordination §14). */
export type DeadlineKind = (typeof deadlineKinds)[number];

/** A time at which something in the tree is over. */
export interface TreeDeadline extends Named {
  readonly kind: DeadlineKind;
  readonly at: number;
}

/** What a tree that was restored says of one thing in it: whose it is, and when it is over. */
export interface Standing {
  readonly session: SessionId | null;
  readonly belonging: Belonging;
  readonly deadline: TreeDeadline | null;
}

export type Consequence =
  | {
      readonly kind: 'gained';
      readonly session: SessionId;
      readonly belonging: Belonging;
      readonly leaseMs: number | null;
    }
  | { readonly kind: 'gaveUp'; readonly session: SessionId; readonly belonging: Belonging }
  | { readonly kind: 'due'; readonly deadline: TreeDeadline }
  | { readonly kind: 'notDue'; readonly deadline: TreeDeadline }
  | { readonly kind: 'told'; readonly session: SessionId; readonly told: Told };

/** For what is done for no session. Without sessions, nothing can belong to anyone. */
export const nobody: Acting = {
  session: 0,
  request: 0,
  now: 0,
  sessions: { over: () => true, countsUntil: () => 0, refuses: () => null, room: () => 0, changed: () => 0 },
};
