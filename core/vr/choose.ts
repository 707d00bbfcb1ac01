/**
 * Chooses the log with which a view begins, from the DoViewChanges of a quorum. It is a pure function (protocol §4.3).
 */

import { invariant } from '../base/assert.ts';
import type { Checksum, Op } from '../base/ids.ts';
import type { Configuration, Member } from './configuration.ts';
import { compareViewstamps, nackQuorum, quorum } from './configuration.ts';
import type { LogDescription } from './messages.ts';

/** One voter's DoViewChange. */
export interface Vote {
  readonly from: Member;
  readonly log: LogDescription;
}

export interface ChosenLog {
  readonly from: Member;
  readonly head: Op;
  readonly floor: Op;
  readonly floorChecksum: Checksum;
  /** The checksums of floor + 1 to head. */
  readonly checksums: readonly Checksum[];
  /** The highest commit number in any vote. */
  readonly commit: Op;
}

/** The log, or null when another DoViewChange, or the repair of a corrupt entry, must first decide about an op. */
export function chooseLog(votes: readonly Vote[], configuration: Configuration): ChosenLog | null {
  if (votes.length < quorum(configuration)) return null;
  let canonical = votes[0]!;
  let commit = 0;
  for (const vote of votes) {
    commit = Math.max(commit, vote.log.floor);
    const order = compareViewstamps(vote.log.logView, canonical.log.logView);
    if (order > 0 || (order === 0 && vote.log.head > canonical.log.head)) canonical = vote;
  }
  const { log, from } = canonical;
  // The canonical log holds everything that is known to be committed. Votes that say otherwise contradict each other,
  // so nothing is chosen.
  if (log.head < commit) return null;
  const rotten = new Map<Vote, ReadonlySet<Op>>();
  for (const vote of votes) rotten.set(vote, new Set(vote.log.corrupt));
  const needed = nackQuorum(configuration);
  let head = log.head;
  for (let op = Math.max(commit, log.floor) + 1; op <= log.head; op++) {
    const checksum = headerOf(log, op);
    let present = false;
    let lacking = 0;
    for (const vote of votes) {
      // A corrupt entry was durable once. So the vote does not have it to keep, but does not prove that it was never
      // acknowledged either.
      if (rotten.get(vote)!.has(op)) continue;
      const other = op > vote.log.head ? null : headerOf(vote.log, op);
      if (other === checksum) {
        present = true;
        break;
      }
      lacking++;
    }
    if (present) continue;
    if (lacking < needed) return null;
    head = op - 1;
    break;
  }
  const { floor, floorChecksum } = log;
  return { from, head, floor, floorChecksum, checksums: log.checksums.slice(0, head - floor), commit };
}

/**
 * We only ask about ops above every floor. So each vote either has a header for the op, or its head is below the op.
 */
function headerOf(log: LogDescription, op: Op): Checksum {
  const checksum = log.checksums[op - log.floor - 1];
  invariant(checksum !== undefined, 'a vote tells all headers above its floor', {
    op,
    floor: log.floor,
    head: log.head,
  });
  return checksum;
}
