/**
 * When a checkpoint is due, which of the group's checkpoints agree, and when the log before them may go (protocol §6).
 */

import type { Op } from '../base/ids.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import type { Member } from './configuration.ts';
import type { Core } from './core.ts';
import type { Entry } from './entry.ts';
import type { Lineage } from './lineage.ts';
import { extended } from './lineage.ts';
import type { StateName } from './messages.ts';
import type { CheckpointsPart } from './parts.ts';
import type { CheckpointDraft, Snapshot } from './ports.ts';

export class Checkpoints implements CheckpointsPart {
  readonly #core: Core;
  readonly #checkpointBytes: number;
  /**
   * Bytes of all entries applied so far, and of those up to the op at which the last checkpoint was due. They are equal
   * on all replicas.
   */
  #logBytes = 0;
  #dueBytes = 0;
  /** In which views the applied entries were made. */
  #lineage: Lineage = [];
  /** A checkpoint is being written. One that falls due meanwhile is not taken, but it is counted. */
  #writing = false;
  #deferred: { readonly draft: CheckpointDraft; readonly snapshot: Snapshot } | null = null;
  /**
   * Written, but not installed until the view is normal, so that a DoViewChange says the same when it is sent again.
   */
  #written: CheckpointInfo | null = null;
  /** At the primary: the newest checkpoints that the voters named in their answers to heartbeats. */
  readonly #reported = new Map<Member, StateName>();
  #agreed: StateName | null = null;
  /** The state that is being written was found wrong, so it is never installed. */
  #spoiled = false;
  /** The newest op at which the reported states differ and no quorum shares one, and when that was first seen. */
  #dispute: { readonly op: Op; readonly since: number; alarmed: boolean } | null = null;

  constructor(core: Core, checkpointBytes: number) {
    this.#core = core;
    this.#checkpointBytes = checkpointBytes;
  }

  get logBytes(): number {
    return this.#logBytes;
  }

  /** The state that a quorum shares, as far as this primary knows. */
  get agreed(): StateName | null {
    return this.#agreed;
  }

  restored(info: CheckpointInfo): void {
    this.#logBytes = info.logBytes;
    this.#lineage = info.lineage;
    this.#dueBytes = info.logBytes;
  }

  /** Counts an applied entry. At an op that is the same on all replicas, a checkpoint is due. */
  applied(entry: Entry): void {
    const { machine, configuration } = this.#core;
    this.#logBytes += entry.bytes.length;
    this.#lineage = extended(this.#lineage, entry);
    const since = this.#logBytes - this.#dueBytes;
    if (since <= this.#checkpointBytes || since <= 2 * machine.size()) return;
    this.#dueBytes = this.#logBytes;
    if (this.#writing) return;
    const { op, checksum, timestamp } = entry;
    const draft: CheckpointDraft = {
      op,
      checksum,
      timestamp,
      configuration,
      logBytes: this.#logBytes,
      lineage: this.#lineage,
    };
    // When several fall due in one step, as at start, the last one wins.
    this.#deferred = { draft, snapshot: machine.snapshot() };
  }

  /** At the end of a turn: starts writing, and installs what is written. */
  flush(): void {
    const core = this.#core;
    if (this.#deferred !== null && !this.#writing) {
      this.#writing = true;
      core.effect({ kind: 'writeCheckpoint', ...this.#deferred });
      this.#deferred = null;
    }
    const info = this.#written;
    if (info === null || core.status !== 'normal') return;
    this.#written = null;
    if (info.op <= core.log.checkpointOp) {
      core.effect({ kind: 'dropCheckpoint', checkpoint: info });
      return;
    }
    core.log.setCheckpoint(info);
    core.persist({ checkpoint: info, entries: [] });
  }

  written(info: CheckpointInfo): void {
    const spoiled = this.#spoiled;
    this.#writing = false;
    this.#spoiled = false;
    if (spoiled) this.#core.effect({ kind: 'dropCheckpoint', checkpoint: info });
    else this.#written = info;
  }

  /**
   * It could not be written. The log keeps the entries that it would have replaced, until the next checkpoint that is
   * due.
   */
  failed(): void {
    this.#writing = false;
    this.#spoiled = false;
  }

  /** The primary forgets what it heard in another view. */
  beginView(): void {
    this.#reported.clear();
    this.#agreed = null;
  }

  /** The next primary judges anew. */
  endView(): void {
    this.#settle();
  }

  #settle(): void {
    const alarmed = this.#dispute?.alarmed === true;
    this.#dispute = null;
    if (alarmed) this.#core.event({ kind: 'alarmOver', about: 'states' });
  }

  /** At the primary: a voter reported its newest checkpoint. */
  report(from: Member, state: StateName): void {
    if (this.#reported.get(from)?.hash === state.hash) return;
    this.#reported.set(from, state);
    this.compare();
  }

  /** Looks for a state that a quorum shares, and for disagreement that no quorum settles. */
  compare(): void {
    const core = this.#core;
    const own = core.checkpointName;
    const states = [...this.#reported.values()];
    if (own !== null && core.isVoter) states.push(own);
    for (const state of states) {
      const same = states.filter((other) => other.op === state.op && other.hash === state.hash).length;
      if (same >= core.quorum && state.op >= (this.#agreed?.op ?? 0)) this.#agreed = state;
    }
    this.#judge(states);
    this.heardAgreed(this.#agreed);
  }

  /** On ticks of the primary, because a replica that could settle a dispute may never report its state. */
  tick(): void {
    if (this.#dispute?.alarmed === false) this.compare();
  }

  /**
   * Two different states are no alarm while replicas that have not reported yet can still make a quorum with one of
   * them: then the other is rebuilt. They are an alarm when those replicas cannot, or do not report for a long time.
   */
  #judge(states: readonly StateName[]): void {
    const core = this.#core;
    let op = -1;
    for (const state of states) {
      if (state.op <= op || state.op <= (this.#agreed?.op ?? 0)) continue;
      if (states.some((other) => other.op === state.op && other.hash !== state.hash)) op = state.op;
    }
    if (op < 0) return this.#settle();
    if (this.#dispute?.op !== op) this.#dispute = { op, since: core.now, alarmed: this.#dispute?.alarmed ?? false };
    const dispute = this.#dispute;
    if (dispute.alarmed) return;
    const same = states.map(
      (state) => states.filter((other) => state.op === op && other.op === op && other.hash === state.hash).length,
    );
    const mayReport = core.voters.length - states.filter((state) => state.op >= op).length;
    const open = Math.max(...same) + mayReport >= core.quorum;
    if (open && core.now - dispute.since < core.times.disputeMs) return;
    dispute.alarmed = true;
    core.event({
      kind: 'alarm',
      about: 'states',
      reason: `replicas disagree about the state at op ${op} and no quorum shares one`,
    });
  }

  /** Heard which state a quorum shares. A replica that differs at that op counts as down until it is rebuilt. */
  heardAgreed(agreed: StateName | null): void {
    const own = this.#core.checkpointName;
    if (agreed === null || own === null || own.op !== agreed.op || own.hash === agreed.hash) return;
    this.lost(`the state at op ${own.op} differs from the one that a quorum shares`);
  }

  /** This replica's own state is wrong. It neither votes nor answers until it is rebuilt. */
  lost(reason: string): void {
    const core = this.#core;
    if (core.down !== null) return;
    core.down = reason;
    // A checkpoint that is being written, or waits to be installed, is of that wrong state too, and would be newer than
    // the one from which this replica is rebuilt.
    this.#spoiled = this.#writing;
    this.#deferred = null;
    if (this.#written !== null) core.effect({ kind: 'dropCheckpoint', checkpoint: this.#written });
    this.#written = null;
    core.event({ kind: 'alarm', reason });
    core.parts.viewChange.stepDown();
    core.setStatus('recovering');
  }

  /** The op up to which a quorum has checkpoints, as far as the primary heard. */
  quorumCheckpoint(): Op {
    const core = this.#core;
    const ops = core.voters.map((member) =>
      core.isSelf(member) ? (core.checkpointName?.op ?? 0) : (this.#reported.get(member)?.op ?? 0),
    );
    ops.sort((a, b) => b - a);
    return ops[core.quorum - 1] ?? 0;
  }

  /**
   * Drops the log of which a quorum has a checkpoint, but nothing that this replica's own checkpoint does not cover.
   */
  shorten(through: Op): void {
    const { log } = this.#core;
    const to = Math.min(through, log.checkpointOp);
    if (to < log.first || this.#core.status !== 'normal') return;
    log.shortenTo(to);
    this.#core.persist({ shortenTo: to, entries: [] });
  }
}
