/**
 * Applies committed entries to the state machine, in op order, once each, and restores it from checkpoints (protocol
 * §3, §5).
 */

import { invariant } from '../base/assert.ts';
import type { Checksum, Op } from '../base/ids.ts';
import type { CheckpointInfo } from './checkpoint.ts';
import type { Core } from './core.ts';
import type { ExecutionPart } from './parts.ts';

export class Execution implements ExecutionPart {
  readonly #core: Core;
  /** The op whose state the machine has. */
  #applied = 0;
  /** A checkpoint's batch is on its way to disk. When it is durable, the machine is restored from it. */
  #restoring: CheckpointInfo | null = null;
  #checksum: Checksum;

  constructor(core: Core) {
    this.#core = core;
    this.#checksum = core.log.checksum(0)!;
  }

  get applied(): Op {
    return this.#applied;
  }

  /**
   * At start: restores the checkpoint and applies what is committed. Entries that were applied before are not reported
   * one by one again.
   */
  start(): void {
    const { log } = this.#core;
    if (log.checkpoint !== null && !this.restore(log.checkpoint)) return;
    this.run(false);
    if (this.#applied > 0) this.#core.effect({ kind: 'restored', op: this.#applied });
  }

  /** Applies up to the commit number, as far as entries are readable. */
  run(tell = true): void {
    const core = this.#core;
    if (this.#restoring !== null || core.down !== null) return;
    const { requests, checkpoints, reads } = core.parts;
    const before = this.#applied;
    while (this.#applied < core.commit) {
      const entry = core.log.entry(this.#applied + 1);
      // The entry is being repaired, and the later ones wait for it (protocol §2).
      if (entry === null) break;
      invariant(entry.op === this.#applied + 1, 'entries are applied in op order', { op: entry.op });
      invariant(entry.parent === this.#checksum, 'what is applied is one chain', { op: entry.op });
      const reply = core.machine.apply(entry);
      this.#applied = entry.op;
      this.#checksum = entry.checksum;
      if (tell) core.effect({ kind: 'applied', entry, reply });
      requests.executed(entry, reply);
      checkpoints.applied(entry);
    }
    if (this.#applied > before) {
      requests.advanced();
      reads.advanced();
    }
  }

  /**
   * Blocks applying until {@link finishRestore}, because the log already continues from a checkpoint that is not
   * durable yet.
   */
  beginRestore(info: CheckpointInfo): void {
    this.#restoring = info;
  }

  /** The checkpoint is durable and in place, so its chunks can be read back. */
  finishRestore(info: CheckpointInfo): void {
    const core = this.#core;
    // Another one was taken up meanwhile. Its own batch restores.
    if (this.#restoring !== info) return;
    this.#restoring = null;
    if (!this.restore(info)) return;
    core.effect({ kind: 'restored', op: this.#applied });
    const wasDown = core.down !== null;
    core.down = null;
    this.run();
    core.parts.requests.advanced();
    core.parts.reads.advanced();
    if (wasDown) core.parts.viewChange.restored();
  }

  /**
   * Replaces the machine's state. Returns false when the checkpoint cannot be read; this replica must then be rebuilt.
   */
  restore(info: CheckpointInfo): boolean {
    const core = this.#core;
    try {
      core.machine.restore(this.#chunks(info));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      core.parts.checkpoints.lost(`checkpoint ${info.op} cannot be restored: ${reason}`);
      return false;
    }
    this.#applied = info.op;
    this.#checksum = info.checksum;
    if (core.commit < info.op) core.commit = info.op;
    core.parts.checkpoints.restored(info);
    return true;
  }

  *#chunks(info: CheckpointInfo): Iterable<Uint8Array> {
    for (let index = 0; index < info.chunks.length; index++) {
      const bytes = this.#core.storage.chunk(info.op, index);
      if (bytes === null) throw new Error(`chunk ${index} of ${info.chunks.length} is not readable`);
      yield bytes;
    }
  }
}
