/**
 * Makes the log of a view this replica's own: what it keeps, what it stages, and the one batch that replaces the log
 * (protocol §4.4, §4.5). Until that batch, the log that is held stays untouched, with one exception: a replica that
 * lacks more committed entries than it may stage in memory takes them into its log on the way. A candidate does the
 * same with the log that it chose as a backup does with the log of a StartView.
 */

import { invariant } from '../base/assert.ts';
import type { Checksum, Op } from '../base/ids.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import type { ChosenLog } from './choose.ts';
import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { Entry } from './entry.ts';
import type { InstallationPart } from './parts.ts';
import type { StorageBatch } from './ports.ts';

export class Installation implements InstallationPart {
  readonly #core: Core;
  #goal: ChosenLog | null = null;
  /** The own log equals the goal's log up to here. */
  #keep = 0;
  #keepChecksum: Checksum = '';
  /** Entries from keep + 1 on, without a gap. */
  #staged: Entry[] = [];
  #stagedBytes = 0;
  /** A staged checkpoint that replaces everything up to `keep`. */
  #checkpoint: CheckpointInfo | null = null;
  /**
   * What was known to be committed when the last goal came. What is staged up to here is valid for every later goal.
   */
  #committed = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  get active(): boolean {
    return this.#goal !== null;
  }

  /** A checkpoint is staged. The goal's log, and the state, continue from it. */
  get hasCheckpoint(): boolean {
    return this.#goal !== null && this.#checkpoint !== null;
  }

  /** Which member to ask first. */
  get source(): Member | null {
    return this.#goal?.from ?? null;
  }

  /** Another view began. What is staged is valid for its log too, if that log names it or it is committed. */
  suspend(): void {
    if (this.#goal !== null) this.#committed = this.#goal.commit;
    this.#goal = null;
  }

  cancel(): void {
    this.#goal = null;
    this.#committed = 0;
    this.#staged = [];
    this.#stagedBytes = 0;
    this.#checkpoint = null;
  }

  /** Takes `goal` as the log to install. A later goal of the same view may be longer, or repair an earlier choice. */
  begin(goal: ChosenLog): void {
    const core = this.#core;
    const { log } = core;
    invariant(!core.inView, 'only a log of a newer view replaces', { view: core.view });
    // What is committed here is in every later log. If votes say otherwise, some of them are false, and we cannot tell
    // which.
    if (this.#contradicts(goal)) return core.drop('a chosen log without what is committed here');
    const staged = this.#staged;
    const checkpoint = this.#checkpoint;
    const committed = this.#goal?.commit ?? this.#committed;
    this.cancel();
    this.#goal = goal;
    this.#keep = this.#matching(goal);
    const keepChecksum = log.checksum(this.#keep);
    invariant(keepChecksum !== null, 'what is kept has a name', { keep: this.#keep });
    this.#keepChecksum = keepChecksum;
    if (checkpoint !== null && this.#helps(checkpoint) && this.#isThere(checkpoint)) this.#onto(checkpoint);
    for (const entry of staged) this.#stage(entry, committed);
    this.advance();
  }

  /** The highest op up to which the own log certainly equals the goal's. */
  #matching(goal: ChosenLog): number {
    const { log, commit } = this.#core;
    for (let op = Math.min(log.head, goal.head); op >= goal.floor && op > commit; op--) {
      const own = log.checksum(op);
      if (own !== null && own === this.#wanted(goal, op)) return op;
    }
    return commit;
  }

  #contradicts(goal: ChosenLog): boolean {
    const { log, commit } = this.#core;
    return goal.head < commit || (commit >= goal.floor && log.checksum(commit) !== this.#wanted(goal, commit));
  }

  #wanted(goal: ChosenLog, op: Op): Checksum | null {
    if (op === goal.floor) return goal.floorChecksum;
    return op < goal.floor ? null : (goal.checksums[op - goal.floor - 1] ?? null);
  }

  #top(): number {
    return this.#keep + this.#staged.length;
  }

  /**
   * The ops to fetch next, or null when all are here. Corrupt entries that are kept are repaired in place meanwhile.
   */
  missing(): { readonly from: Op; readonly through: Op } | null {
    const goal = this.#goal;
    if (goal === null || this.#top() >= goal.head) return null;
    return { from: this.#top() + 1, through: goal.head };
  }

  /**
   * Takes entries that a peer sent. `commit` is what the peer knows to be committed. Returns true when one of them was
   * useful.
   */
  entries(entries: readonly Entry[], commit: Op): boolean {
    const before = this.#top();
    for (const entry of entries) this.#stage(entry, commit);
    if (this.#top() === before) return false;
    this.#relieve();
    this.advance();
    return true;
  }

  /**
   * More is staged than we have memory for, so the committed part becomes part of the log, under the log's present
   * log_view. This promises nothing about the view, and takes nothing back: committed entries are in every later log,
   * and what they replace is in none. It happens only when they reach above everything that is held, so that nothing is
   * cut without its replacement (V1). What is left is at most one pipeline.
   */
  #relieve(): void {
    const core = this.#core;
    const goal = this.#goal;
    if (goal === null || this.#stagedBytes <= core.stageBytes || this.#top() >= goal.head) return;
    const through = Math.min(this.#top(), goal.commit);
    if (through <= this.#keep || through < core.log.head || (core.down !== null && this.#checkpoint === null)) return;
    const rest = this.#staged.splice(through - this.#keep);
    const entries = this.#staged;
    const checkpoint = this.#checkpoint;
    const { batch, restore } = this.#replacement(entries, {});
    this.#checkpoint = null;
    this.#keep = through;
    this.#keepChecksum = core.log.headChecksum;
    this.#staged = rest;
    this.#stagedBytes = rest.reduce((sum, entry) => sum + entry.bytes.length, 0);
    core.persist(batch, () => {
      if (restore) core.parts.execution.finishRestore(checkpoint!);
      core.parts.viewChange.changed();
    });
    core.learnCommit(through);
  }

  /** Its chunks are still on the disk. */
  #isThere(info: CheckpointInfo): boolean {
    return info.chunks.every((_, index) => this.#core.storage.staged(info, index));
  }

  #stage(entry: Entry, committed: Op): void {
    const goal = this.#goal;
    if (goal === null || entry.op !== this.#top() + 1 || entry.op > goal.head) return;
    const wanted = this.#wanted(goal, entry.op);
    const chained = entry.parent === (this.#staged.at(-1)?.checksum ?? this.#keepChecksum);
    // Above the floor, the goal names the entry. Below it, being committed is the proof, and the chain must close.
    if (wanted === null ? entry.op > committed : entry.checksum !== wanted) return;
    if (!chained) {
      // The committed logs of two replicas are one chain. So some sender made up part of what was taken without proof.
      // It is fetched anew.
      this.#core.drop('entries that do not chain');
      this.#staged = [];
      this.#stagedBytes = 0;
      return;
    }
    this.#staged.push(entry);
    this.#stagedBytes += entry.bytes.length;
  }

  /** The log before it is gone on all replicas, and its checkpoint is staged. Returns false when that does not help. */
  checkpointStaged(info: CheckpointInfo): boolean {
    if (this.#goal === null || !this.#helps(info)) return false;
    this.#onto(info);
    this.advance();
    return true;
  }

  /** It reaches above what is here, or covers an entry that is rotten here and gone elsewhere. */
  #helps(info: CheckpointInfo): boolean {
    const rotten = this.#checkpoint === null ? this.#core.log.lowestCorrupt() : null;
    return info.op > this.#top() || (rotten !== null && rotten <= info.op);
  }

  #onto(info: CheckpointInfo): void {
    this.#checkpoint = info;
    this.#keep = info.op;
    this.#keepChecksum = info.checksum;
    this.#staged = [];
    this.#stagedBytes = 0;
  }

  /** Installs once nothing is missing. */
  advance(): void {
    const goal = this.#goal;
    if (goal === null || this.#top() < goal.head) return;
    // log_view = v says that the canonical suffix is held, so what is kept of it must be readable (protocol §9.5).
    const { log } = this.#core;
    if (this.#checkpoint === null && log.corruptCount > 0) {
      for (let op = Math.max(goal.floor, log.checkpointOp) + 1; op <= this.#keep; op++) if (log.isCorrupt(op)) return;
    }
    this.#install(goal);
  }

  #install(goal: ChosenLog): void {
    const core = this.#core;
    const { log } = core;
    const checkpoint = this.#checkpoint;
    const { batch, restore } = this.#replacement(this.#staged, { view: core.viewstamp, logView: core.viewstamp });
    this.cancel();
    core.logView = core.viewstamp;
    const { view } = core;
    core.persist(batch, () => {
      if (restore) core.parts.execution.finishRestore(checkpoint!);
      core.parts.recovery.installed();
      if (core.view !== view || core.down !== null) return;
      if (core.isPrimaryOf(view)) core.parts.primary.begin(goal.commit);
    });
    // A candidate works only once its log of the view is durable. A backup need not wait here: its acknowledgements do.
    if (core.isPrimaryOf(view)) return;
    core.setStatus(core.sound ? 'normal' : 'recovering');
    core.parts.backup.heardHead(log.head, goal.commit);
  }

  /**
   * Puts `entries`, and the staged checkpoint below them, into the log in memory, and returns the batch that does the
   * same on the disk.
   */
  #replacement(
    entries: readonly Entry[],
    stamps: Pick<StorageBatch, 'view' | 'logView'>,
  ): { readonly batch: StorageBatch; readonly restore: boolean } {
    const core = this.#core;
    const { log } = core;
    const checkpoint = this.#checkpoint;
    invariant(this.#keep >= core.commit || checkpoint !== null, 'nothing committed is replaced', { keep: this.#keep });
    const base: StorageBatch = { ...stamps, entries };
    let batch: StorageBatch = base;
    // If the state is already further, it is of the same chain, and the checkpoint only replaces the log.
    const restore = checkpoint !== null && (core.down !== null || core.parts.execution.applied < checkpoint.op);
    if (checkpoint !== null) {
      log.reset(checkpoint);
      core.commit = Math.max(core.commit, checkpoint.op);
      if (restore) core.parts.execution.beginRestore(checkpoint);
      batch = { ...base, checkpoint, truncateFrom: checkpoint.op + 1, shortenTo: checkpoint.op };
    } else if (log.head > this.#keep) {
      log.truncateFrom(this.#keep + 1);
      batch = { ...base, truncateFrom: this.#keep + 1 };
    }
    for (const entry of entries) log.append(entry);
    return { batch, restore };
  }
}
