/**
 * What we check of each message between replicas before we believe any of it (protocol §1, "Judged before believed").
 * It is one table, and the compiler keeps it complete. The envelope (cluster, group, member, incarnation, epoch) was
 * checked before, and the node has checked that the sender is at the other end of its link. Each rule here holds for
 * every message that an honest replica sends, in whatever order and however late it comes. So no honest replica sent a
 * message that breaks one, and no invariant has to rely on a message.
 */

import type { Op } from '../base/ids.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import { isSealed } from './checkpoint.ts';
import type { Core } from './core.ts';
import type { Member, Viewstamp } from './configuration.ts';
import { compareViewstamps, primaryOf } from './configuration.ts';
import type { Entry } from './entry.ts';
import type { LogDescription, Message, MessageKind, MessageOf } from './messages.ts';
import { madeIn } from './lineage.ts';
import { highestNumber } from './reach.ts';

/** Why a message is impossible, in fixed words, or null. */
type Judge<K extends MessageKind> = (core: Core, from: Member, message: MessageOf<K>) => string | null;

const tooHigh = 'a number beyond what can have been reached';
const notPrimary = 'its sender is not the primary of its view';
const notForPrimary = 'this replica is not the primary of its view';
const noVoter = 'its sender does not vote';
const badLog = 'its log does not add up';
const badEntries = 'its entries contradict each other or its view';
/**
 * Other replicas have forgotten what one replica committed. No honest history does that, but a disk that was restored
 * from a copy does.
 */
export const otherHistory = 'it contradicts what is committed here';

const judges = {
  prepare: (core, from, message) => {
    if (!isPrimary(core, from, message)) return notPrimary;
    const { entries, commit, epoch, view } = message;
    const [first] = entries;
    if (first === undefined) return null;
    if (commit >= first.op) return badEntries;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      const before = entries[i - 1];
      if (entry.epoch !== epoch || entry.view !== view || entry.commit > commit) return badEntries;
      if (entry.op !== first.op + i || (before !== undefined && entry.parent !== before.checksum)) return badEntries;
      if (!isPossible(entry)) return tooHigh;
    }
    return standsIn(core, message) ? contradiction(core, entries) : null;
  },
  commit: (core, from, { epoch, view, round, commit, head, agreed, shortenTo }) => {
    if (!isPrimary(core, from, { epoch, view })) return notPrimary;
    if (head > highestNumber || round > highestNumber) return tooHigh;
    return commit > head || shortenTo > commit || (agreed !== null && agreed.op > head) ? badLog : null;
  },
  prepareOk: (core, from, message) => {
    if (!core.isVoterMember(from)) return noVoter;
    if (!isMeant(core, message)) return notForPrimary;
    return acknowledges(core, message, message.op);
  },
  commitOk: (core, from, message) => {
    if (!core.isVoterMember(from)) return noVoter;
    if (!isMeant(core, message)) return notForPrimary;
    const { op, round, checkpoint } = message;
    if (leads(core, message) && round > core.parts.primary.round) return 'it answers a round that was not begun';
    return acknowledges(core, message, Math.max(op, checkpoint?.op ?? 0));
  },
  startViewChange: (core, from, { view, target }) => {
    if (!core.isVoterMember(from)) return noVoter;
    return target === view + 1 ? null : 'it asks for another view than the next';
  },
  doViewChange: (core, from, { epoch, view, log }) => {
    if (!core.isVoterMember(from)) return noVoter;
    if (compareViewstamps(log.logView, { epoch, view }) >= 0) return 'it votes for a view that it has begun';
    return logProblem(core, log);
  },
  startView: (core, _from, message) => {
    const { epoch, view, log, commit } = message;
    if (compareViewstamps(log.logView, { epoch, view }) !== 0) return 'its log is of another view';
    const problem = logProblem(core, log);
    if (problem !== null) return problem;
    if (commit > log.head) return badLog;
    if (standsIn(core, message)) {
      // A replica of an earlier view whose vote was not needed may know that more of it is committed.
      return leads(core, message) && log.head > core.log.head ? 'it knows more of a view than its primary' : null;
    }
    // A replica that cannot prove its head may have started this view and forgotten it (protocol §2).
    if (core.isPrimaryOf(view) && core.counts) return 'it starts a view that this replica is to lead';
    return loses(core, { epoch, view }, log) ? otherHistory : null;
  },
  getState: (_core, _from, { from, commit }) => (from > highestNumber || commit > highestNumber ? tooHigh : null),
  newState: (core, _from, { epoch, view, logView, commit, entries, checkpoint }) => {
    if (compareViewstamps(logView, { epoch, view }) > 0) return 'its log is of another view';
    if (commit > highestNumber) return tooHigh;
    let op = 0;
    for (const entry of entries) {
      // Entries that the sender cannot read are left out. An entry that was committed before the rest of its view's log
      // arrived may be of a later view than the sender's log_view (protocol §5).
      if (entry.op <= op || compareViewstamps(entry, { epoch, view }) > 0) return badEntries;
      if (!isPossible(entry)) return tooHigh;
      op = entry.op;
    }
    if (checkpoint === null) return null;
    const { timestamp, logBytes, size } = checkpoint;
    if (Math.max(timestamp, logBytes, size) > highestNumber) return tooHigh;
    if (checkpoint.op > commit) return badLog;
    return isOfOtherHistory(core, checkpoint) ? otherHistory : null;
  },
  getStartView: () => null,
  viewNow: () => null,
  getChunk: () => null,
  /** The bytes are checked by their hash, where we know which ones we asked for. */
  chunk: () => null,
  readIndex: (core, _from, message) => (isMeant(core, message) ? null : notForPrimary),
  readIndexOk: (core, from, message) => {
    if (!isPrimary(core, from, message)) return notPrimary;
    return message.index > highestNumber ? tooHigh : null;
  },
  /** A learner, too, asks where the others stand (protocol §2, "Proof of the head"). */
  recovery: () => null,
  recoveryOk: (core, from) => (core.isVoterMember(from) ? null : noVoter),
} satisfies { readonly [K in MessageKind]: Judge<K> };

/** Why `message` of the member `from` is impossible, in fixed words; null for a message that may be believed. */
export function judge(core: Core, from: Member, message: Message): string | null {
  const one: Judge<MessageKind> = judges[message.kind] as Judge<MessageKind>;
  return one(core, from, message);
}

type Stamp = Pick<Message, 'epoch' | 'view'>;

function isPrimary(core: Core, from: Member, { view }: Stamp): boolean {
  return from === primaryOf(core.configuration, view);
}

/** The primary of that view has this replica's name, perhaps with another disk. */
function isMeant(core: Core, { view }: Stamp): boolean {
  return primaryOf(core.configuration, view).replica === core.identity.replica;
}

/** This replica holds the log of the message's view. */
function standsIn(core: Core, { view }: Stamp): boolean {
  return core.inView && view === core.view;
}

/** This replica works as the primary of the message's view. */
function leads(core: Core, { view }: Stamp): boolean {
  return view === core.view && core.parts.primary.active;
}

/** No replica holds more of a view than its primary has prepared. */
function acknowledges(core: Core, stamp: Stamp, op: Op): string | null {
  if (leads(core, stamp) && op > core.log.head) return 'it acknowledges more than was sent';
  return op > highestNumber ? tooHigh : null;
}

function isPossible({ op, commit, timestamp, session, request, answered }: Entry): boolean {
  return commit < op && Math.max(op, timestamp, session, request, answered) <= highestNumber;
}

/** Checks a Prepare of this replica's own view against its log: one header for each view and op, and one chain. */
function contradiction(core: Core, entries: readonly Entry[]): string | null {
  const { log } = core;
  for (const entry of entries) {
    if (entry.op > log.head + 1) break;
    if (entry.op === log.head + 1) {
      if (entry.parent !== log.headChecksum) return badEntries;
      break;
    }
    const had = log.checksum(entry.op);
    if (had !== null && had !== entry.checksum) return badEntries;
  }
  return null;
}

function logProblem(core: Core, log: LogDescription): string | null {
  const { head, floor, floorChecksum, checkpointOp, checksums, corrupt } = log;
  if (head > highestNumber) return tooHigh;
  if (floor > head || checkpointOp > floor || checksums.length !== head - floor) return badLog;
  for (const op of corrupt) if (op <= floor || op > head) return badLog;
  // What one replica knows to be committed is the same on all.
  const own = floor <= core.commit && floor >= core.log.first ? core.log.checksum(floor) : null;
  return own !== null && own !== floorChecksum ? otherHistory : null;
}

/**
 * What is committed here is in the log of every later view. A log of the same view may be shorter: it is from before the
 * commit of what is held here. A replica holds that without having begun the view, when it cannot prove its head and has
 * forgotten the view, or when it took in what was committed before the rest of the view's log arrived. The installation
 * skips such a log.
 */
function loses(core: Core, stamp: Viewstamp, there: LogDescription): boolean {
  if (there.head >= core.commit) return differs(core, there);
  const last = madeHere(core);
  return differs(core, there) || (last !== null && compareViewstamps(last, stamp) < 0);
}

/** In which view the last entry was made that is committed here. Null when it cannot be read. */
function madeHere({ commit, log }: Core): Viewstamp | null {
  const own = log.checkpoint;
  return own?.op === commit ? madeIn(own.lineage, commit) : log.entry(commit);
}

/** What is committed here, as far as that log reaches, is something else there. */
function differs({ commit, log }: Core, { head, floor, floorChecksum, checksums }: LogDescription): boolean {
  const op = Math.min(commit, head);
  if (op < floor) return false;
  const there = op === floor ? floorChecksum : checksums[op - floor - 1];
  const here = log.checksum(op);
  return here !== null && there !== here;
}

/**
 * A checkpoint stands for a history that lacks what is committed here. Its entries are gone, but it tells in which view
 * each was made, and a view makes one entry for an op.
 */
function isOfOtherHistory(core: Core, checkpoint: CheckpointInfo): boolean {
  const { commit, hash } = core;
  if (commit === 0 || commit > checkpoint.op) return false;
  const there = madeIn(checkpoint.lineage, commit);
  const here = madeHere(core);
  if (there === null || here === null) return false;
  return compareViewstamps(there, here) !== 0 && isSealed(checkpoint, hash);
}
