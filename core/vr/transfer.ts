/**
 * State transfer: fetches what this replica lacks, one bounded piece at a time and from any peer that has it, and
 * serves peers (protocol §5). The part that asked decides what a piece is good for: an installation, a backup that
 * lags, or a log with rotten entries.
 */

import { invariant } from '../base/assert.ts';
import type { Op } from '../base/ids.ts';
import { CheckpointTransfer } from './checkpoint-transfer.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import { isSealed } from './checkpoint.ts';
import type { Member } from './configuration.ts';
import { compareViewstamps } from './configuration.ts';
import type { Core } from './core.ts';
import type { Entry } from './entry.ts';
import { twoHistories } from './lineage.ts';
import type { MessageOf } from './messages.ts';
import type { TransferPart } from './parts.ts';

/**
 * Bytes of entries in one answer. It is never more than may be staged at once, but there is always at least one entry.
 */
const answerBytes = 1024 * 1024;
const answerEntries = 8192;
const maxDoublings = 5;

interface Want {
  readonly from: Op;
  readonly through: Op;
}

interface Outstanding extends Want {
  readonly peer: Member;
  readonly nonce: number;
  readonly dueAt: number;
}

export class Transfer implements TransferPart {
  readonly #core: Core;
  readonly checkpoint: CheckpointTransfer;
  #outstanding: Outstanding | null = null;
  /** How many questions in a row brought nothing. Each goes to another peer and waits longer. */
  #fruitless = 0;
  /** Who was asked in this view and did not answer in time. Perhaps it does not hear this replica, or is not heard. */
  readonly #silent = new Set<Member>();
  #restUntil = 0;
  #alarmed = false;
  /** Since when something is lacking and nothing of it came; null while nothing is lacking. */
  #lackingSince: number | null = null;
  #stalled = false;
  /** Corrupt entries whose repair is on its way to disk. */
  readonly #repairing = new Set<Op>();

  constructor(core: Core) {
    this.#core = core;
    this.checkpoint = new CheckpointTransfer(core, (info) => this.#checkpointStaged(info));
  }

  /** What was asked for in another view is void. Staged chunks stay on disk and count again. */
  cancel(): void {
    this.#outstanding = null;
    this.#fruitless = 0;
    this.#restUntil = 0;
    this.#silent.clear();
    this.checkpoint.cancel();
  }

  /** What this member has cannot be counted on: it does not answer. */
  silent(member: Member): boolean {
    return this.#silent.has(member);
  }

  /** The next piece that is lacking, the most urgent first. */
  #want(): Want | null {
    const core = this.#core;
    const { installation } = core.parts;
    // The answer to a question from op 0 is always a checkpoint. If one is already staged, it is not lacking any more.
    if (core.down !== null && !installation.hasCheckpoint) return { from: 0, through: 0 };
    const missing = installation.missing();
    if (missing !== null) return missing;
    const lags = core.inView && core.parts.backup.targetHead > core.log.head && !core.isPrimaryOf(core.view);
    if (lags && !core.congested) {
      // As far as the sender's log goes. What the sender prepares after its answer also follows it on the link, so this
      // ends even under load.
      return { from: core.log.head + 1, through: Number.MAX_SAFE_INTEGER };
    }
    if (core.parts.suspicion.followsThroughOthers()) {
      return { from: core.log.head + 1, through: Number.MAX_SAFE_INTEGER };
    }
    if (core.log.corruptCount === this.#repairing.size) return null;
    let from = core.log.lowestCorrupt();
    if (from === null) return null;
    while (this.#repairing.has(from)) from++;
    if (!core.log.isCorrupt(from)) return null;
    let through = from;
    while (core.log.isCorrupt(through + 1) && through - from < answerEntries) through++;
    return { from, through };
  }

  /** At the end of a turn and on ticks: asks when something is lacking and no question is open. */
  pump(): void {
    const core = this.#core;
    if (this.checkpoint.active) {
      this.#watch('a checkpoint');
      this.checkpoint.pump();
      return;
    }
    if (this.#outstanding !== null) {
      if (core.now < this.#outstanding.dueAt) return;
      this.#silent.add(this.#outstanding.peer);
      this.#outstanding = null;
      this.#fruitless++;
      core.parts.viewChange.unanswered();
    }
    const want = this.#want();
    if (want === null) {
      this.#fruitless = 0;
      this.#moved();
      this.#lackingSince = null;
      return;
    }
    this.#watch(want.from === 0 ? 'a checkpoint' : `entry ${want.from} and what comes after it`);
    if (core.now < this.#restUntil) return;
    const peer = this.#peer();
    if (peer === null) {
      this.#alarmAlone();
      return;
    }
    const { log, commit } = core;
    const checksum = log.checksum(commit);
    invariant(checksum !== null, 'the committed op of a log has a name', { commit });
    const nonce = core.nonce();
    this.#outstanding = { ...want, peer, nonce, dueAt: core.now + this.#delay(core.times.entriesMs) };
    core.send(peer, { kind: 'getState', nonce, ...want, commit, checksum });
  }

  /** It keeps asking for as long as it takes, but not in silence. */
  #watch(what: string): void {
    const core = this.#core;
    this.#lackingSince ??= core.now;
    const silentMs = core.now - this.#lackingSince;
    if (this.#stalled || silentMs < core.times.aloneMs) return;
    this.#stalled = true;
    core.event({
      kind: 'alarm',
      about: 'transfer',
      reason: `it lacks ${what} and has got nothing of it for ${Math.round(silentMs / 1000)} s: it catches up only when a replica that has it is up and in reach`,
    });
  }

  /** Some of what is lacking came. */
  #moved(): void {
    this.#lackingSince = this.#core.now;
    if (!this.#stalled) return;
    this.#stalled = false;
    this.#core.event({ kind: 'alarmOver', about: 'transfer' });
  }

  /** A chunk of the checkpoint that is being fetched is on the disk. */
  chunkStaged(op: Op, index: number): void {
    if (this.checkpoint.op === op) this.#moved();
    this.checkpoint.chunkStaged(op, index);
  }

  /** A group of one that cannot read its own log. Only its operator can help. */
  #alarmAlone(): void {
    if (this.#alarmed) return;
    this.#alarmed = true;
    const op = this.#core.log.lowestCorrupt();
    this.#core.event({
      kind: 'alarm',
      reason: `entry ${op ?? 'of the checkpoint'} cannot be read, and no other node has it: what comes after it is not served; before you put back a copy of the data directory, read "Damage" in docs/operations.md`,
    });
  }

  #delay(base: number): number {
    return Math.min(base * 2 ** Math.min(this.#fruitless, maxDoublings), this.#core.times.entriesMaxMs);
  }

  /** First the member that is known to have it, then the others in turn, connected ones first. */
  #peer(): Member | null {
    const core = this.#core;
    const { suspicion } = core.parts;
    const primary = core.primaryMember();
    const preferred = core.parts.installation.source ?? primary;
    const mute = this.#silent.has(preferred) || (suspicion.unheard && preferred === primary);
    if (this.#fruitless === 0 && !core.isSelf(preferred) && !mute) return preferred;
    // Learners also have what was committed. They can repair a group of one voter that they follow.
    const { others } = core;
    const near = others.filter(
      (member) => suspicion.connected(member.node) && !(suspicion.unheard && member === primary),
    );
    const peers = near.length > 0 ? near : others;
    return peers[this.#fruitless % Math.max(1, peers.length)] ?? null;
  }

  newState(from: Member, message: MessageOf<'newState'>): void {
    const core = this.#core;
    // However late it comes.
    this.#silent.delete(from);
    const asked = this.#outstanding;
    if (asked?.nonce !== message.nonce) return;
    this.#outstanding = null;
    const { entries, commit } = message;
    const repaired = this.#repair(entries);
    const installed = core.parts.installation.entries(entries, commit);
    const appended = this.#append(from, message);
    const followed = core.parts.suspicion.told(message.heardMs);
    // It helped if something was lacking and came, or if hearing that the primary leads was all that was wanted. A
    // checkpoint is offered only where entries that were asked for are gone: then this replica lacks what they held.
    const told = followed && message.checkpoint === null && this.#want() === null;
    if (repaired || installed || appended || told) {
      this.#fruitless = 0;
      this.#moved();
      return;
    }
    if (message.checkpoint !== null && this.#useful(asked, message.checkpoint)) {
      this.#fruitless = 0;
      core.event({ kind: 'transfer', from: from.replica, to: message.checkpoint.op, by: 'checkpoint' });
      this.checkpoint.begin(message.checkpoint, from);
      return;
    }
    this.#rest();
  }

  /** What came did not help. Another peer is asked, after a while. */
  #rest(): void {
    this.#fruitless++;
    this.#restUntil = this.#core.now + this.#delay(this.#core.timing.resendMs);
  }

  #useful(asked: Want, info: CheckpointInfo): boolean {
    const { log, down, hash } = this.#core;
    return info.op >= (down === null ? asked.from : log.checkpointOp) && isSealed(info, hash);
  }

  /** Replaces corrupt entries by ones of the same checksum, in any status (protocol §2). */
  #repair(entries: readonly Entry[]): boolean {
    const core = this.#core;
    const { log } = core;
    if (log.corruptCount === 0) return false;
    const found = entries.filter(
      (entry) => log.corruptName(entry.op)?.checksum === entry.checksum && !this.#repairing.has(entry.op),
    );
    if (found.length === 0) return false;
    for (const entry of found) this.#repairing.add(entry.op);
    core.persist({ entries: found }, () => {
      for (const entry of found) {
        this.#repairing.delete(entry.op);
        if (log.corruptName(entry.op)?.checksum !== entry.checksum) continue;
        log.repaired(entry.op);
        core.event({ kind: 'repaired', op: entry.op });
      }
      core.parts.viewChange.changed();
      core.parts.installation.advance();
      core.parts.primary.acknowledgedMore();
      core.parts.execution.run();
    });
    return true;
  }

  /** A backup that lags in its own view appends. It never replaces (protocol §4.5). */
  #append(from: Member, message: MessageOf<'newState'>): boolean {
    const core = this.#core;
    const { log } = core;
    if (!core.inView || core.isPrimaryOf(core.view)) return false;
    const sameLog = compareViewstamps(message.logView, core.viewstamp) === 0;
    const added: Entry[] = [];
    for (const entry of message.entries) {
      if (entry.op !== log.head + 1) continue;
      if (!sameLog && entry.op > message.commit) break;
      if (entry.parent !== log.headChecksum) {
        core.refuse(from, message.kind, 'its entries do not chain to the log here');
        break;
      }
      log.append(entry);
      added.push(entry);
    }
    if (added.length > 0) {
      core.persist({ entries: added });
      core.event({ kind: 'transfer', from: from.replica, to: log.head, by: 'entries' });
    }
    core.learnCommit(message.commit);
    return added.length > 0;
  }

  /** Serves a peer in any status of this replica, because entries are known by their checksums. */
  getState(from: Member, message: MessageOf<'getState'>): void {
    const core = this.#core;
    const { log } = core;
    const known = message.commit <= core.commit ? log.checksum(message.commit) : null;
    if (known !== null && known !== message.checksum) {
      core.event({
        kind: 'alarm',
        reason: twoHistories(
          `this replica and ${from.replica} have committed different entries at op ${message.commit}`,
        ),
      });
      return;
    }
    const entries: Entry[] = [];
    let size = 0;
    const most = Math.min(answerBytes, core.stageBytes);
    const through = Math.min(message.through, log.head, message.from + answerEntries - 1);
    for (let op = Math.max(message.from, log.first); op <= through && message.from >= log.first; op++) {
      const entry = log.entry(op);
      if (entry === null) continue;
      if (entries.length > 0 && size + entry.bytes.length > most) break;
      size += entry.bytes.length;
      entries.push(entry);
    }
    const gone = message.from < log.first && core.down === null;
    core.send(from, {
      kind: 'newState',
      nonce: message.nonce,
      logView: core.logView,
      commit: core.commit,
      entries,
      checkpoint: gone ? log.checkpoint : null,
      heardMs: core.parts.suspicion.heardMs(),
    });
  }

  /** The disk refused a checkpoint that is being fetched. It is asked for anew, after a while. */
  chunkLost(op: Op): void {
    if (this.checkpoint.op !== op) return;
    this.checkpoint.cancel();
    this.#rest();
  }

  #checkpointStaged(info: CheckpointInfo): void {
    const core = this.#core;
    const { log } = core;
    const { installation } = core.parts;
    if (installation.active) {
      if (installation.checkpointStaged(info)) return;
      // A replica that is down may have the whole log that it must install, and lack only the state.
      if (core.down === null) {
        this.#rest();
        return;
      }
    }
    if (info.op < log.checkpointOp) {
      this.#rest();
      return;
    }
    const ownPast = info.op <= log.head && log.checksum(info.op) === info.checksum;
    // Outside its view, only an installation replaces a log. In its view, the log is of one chain with every committed
    // op.
    if (!ownPast && !core.inView) {
      this.#rest();
      return;
    }
    if (!ownPast && info.op <= log.head) {
      // A checkpoint of the group belongs to this log, or is above its head.
      core.drop('a checkpoint of another log');
      this.#rest();
      return;
    }
    const { execution } = core.parts;
    const restore = core.down !== null || execution.applied < info.op;
    if (restore) execution.beginRestore(info);
    if (ownPast) {
      log.setCheckpoint(info);
      if (log.first <= info.op) log.shortenTo(info.op);
    } else log.reset(info);
    core.commit = Math.max(core.commit, info.op);
    const batch = { checkpoint: info, entries: [], shortenTo: info.op };
    const done = (): void => {
      if (restore) execution.finishRestore(info);
      // What was rotten below it is no longer asked for or reported, because it is known to be committed.
      core.parts.viewChange.changed();
      core.parts.installation.advance();
      core.parts.primary.acknowledgedMore();
    };
    core.persist(ownPast ? batch : { ...batch, truncateFrom: info.op + 1 }, done);
  }
}
