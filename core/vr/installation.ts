/**
 * Making the log of a view this replica's own: what it keeps, what it stages, and the one batch that replaces (protocol §4.4,
 * §4.5). Until that batch, nothing that is held is touched, but for what is known to be committed: who lacks more of that than is staged in
 * memory takes it into its log on the way. The same for a candidate with the log it chose and for a backup with the one of a StartView.
 */

import { invariant } from '../base/assert.ts';
import type { Checksum } from '../base/ids.ts';
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
  /** Everything of the own log up to here is of the goal's log. */
  #keep = 0;
  #keepChecksum: Checksum = '';
  /** Entries keep + 1 and on, without a gap. */
  #staged: Entry[] = [];
  #stagedBytes = 0;
  /** A staged checkpoint that replaces everything up to `keep`. */
  #checkpoint: CheckpointInfo | null = null;
  /** What was known to be committed by the last goal: what is staged up to here is good for every later one. */
  #committed = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  get active(): boolean {
    return this.#goal !== null;
  }

  /** A checkpoint is staged: the goal's log goes on from it, and the state with it. */
  get hasCheckpoint(): boolean {
    return this.#goal !== null && this.#checkpoint !== null;
  }

  /** Where to ask first. */
  get source(): Member | null {
    return this.#goal?.from ?? null;
  }

  /** Another view began. What is staged is good for its log as well, as far as that names it or it is committed. */
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

  /** Takes `goal` as the log to install; a later one of the same view may be longer, or repair an earlier choice. */
  begin(goal: ChosenLog): void {
    const core = this.#core;
    const { log } = core;
    invariant(!core.inView, 'only a log of a newer view replaces', { view: core.view });
    // What is committed here is in every later log. Votes that say otherwise lie, and no single one of them shows which.
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

  /** The highest op up to which the own log is certainly the goal's. */
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

  #wanted(goal: ChosenLog, op: number): Checksum | null {
    if (op === goal.floor) return goal.floorChecksum;
    return op < goal.floor ? null : (goal.checksums[op - goal.floor - 1] ?? null);
  }

  #top(): number {
    return this.#keep + this.#staged.length;
  }

  /** The ops to fetch next, or null when all are here. Corrupt ones that are kept are repaired in place meanwhile. */
  missing(): { readonly from: number; readonly through: number } | null {
    const goal = this.#goal;
    if (goal === null || this.#top() >= goal.head) return null;
    return { from: this.#top() + 1, through: goal.head };
  }

  /** Takes entries that a peer sent; `commit` is what it knows to be committed. True when one was of use. */
  entries(entries: readonly Entry[], commit: number): boolean {
    const before = this.#top();
    for (const entry of entries) this.#stage(entry, commit);
    if (this.#top() === before) return false;
    this.#relieve();
    this.advance();
    return true;
  }

  /**
   * More is staged than memory is for: what is committed of it becomes part of the log, under the log_view that it has. That is no
   * promise of the view, and takes nothing back: committed entries are in every later log, and what they replace is none of them. Only
   * when they reach above all that is held, so that nothing is cut without its replacement (V1). What is left is one pipeline at most.
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

  #stage(entry: Entry, committed: number): void {
    const goal = this.#goal;
    if (goal === null || entry.op !== this.#top() + 1 || entry.op > goal.head) return;
    const wanted = this.#wanted(goal, entry.op);
    const chained = entry.parent === (this.#staged.at(-1)?.checksum ?? this.#keepChecksum);
    // Above the floor the goal names it. Below, being committed is the proof, and the chain must close.
    if (wanted === null ? entry.op > committed : entry.checksum !== wanted) return;
    if (!chained) {
      // The committed logs of two replicas are one chain: of what was taken unproven, somebody made it up. It is fetched anew.
      this.#core.drop('entries that do not chain');
      this.#staged = [];
      this.#stagedBytes = 0;
      return;
    }
    this.#staged.push(entry);
    this.#stagedBytes += entry.bytes.length;
  }

  /** The log behind is gone everywhere, and its checkpoint is staged. False when that is of no use. */
  checkpointStaged(info: CheckpointInfo): boolean {
    if (this.#goal === null || !this.#helps(info)) return false;
    this.#onto(info);
    this.advance();
    return true;
  }

  /** It reaches above what is here, or stands for an entry that is rotten here and gone elsewhere. */
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
    // A candidate works only once its log of the view is durable; a backup's acknowledgements wait by themselves.
    if (core.isPrimaryOf(view)) return;
    core.setStatus(core.sound ? 'normal' : 'recovering');
    core.parts.backup.heardHead(log.head, goal.commit);
  }

  /** Puts `entries`, and the staged checkpoint under them, into the log in memory, and says what does the same on the disk. */
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
    // A state that is further already is of the same chain: the checkpoint only takes the place of its log.
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
