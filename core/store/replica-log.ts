/**
 * One replica's part of the log, in two views. One is the state in the batches that were made (`state`), which
 * manifests repeat and recovery rebuilds. The other is what the replica has handed over, which may be ahead by what
 * waits in the queue.
 */

import { invariant } from '../base/assert.ts';
import type { Op } from '../base/ids.ts';
import { Numbered } from '../base/numbered.ts';
import type { CheckpointInfo } from '../vr/checkpoint.ts';
import type { Configuration, Viewstamp } from '../vr/configuration.ts';
import { compareViewstamps } from '../vr/configuration.ts';
import type { Entry, EntryName } from '../vr/entry.ts';
import type { RecoveredReplica, ReplicaIdentity, StorageBatch } from '../vr/ports.ts';
import type { Pin } from './entry-index.ts';
import { EntryIndex } from './entry-index.ts';
import type { ChangeHead, ReplicaState } from './parts.ts';

/** By how much turns, and the number of the roster, jump where a log cannot say what it held. No run has so many. */
export const unprovenTurns: number = 2 ** 32;

/** More parts of one replica than a batch has on average, by far. */
const partsOfABatch = 1024;

/**
 * The turn of a replica that is made after batch `sequence`. It is above all turns of an earlier replica of the same name. So
 * if the end of that one and the beginning of this one are lost, what is left of the two is never taken for one log.
 */
export function firstTurn(sequence: number): number {
  return sequence * partsOfABatch;
}

export class ReplicaLog {
  readonly identity: ReplicaIdentity;
  configuration: Configuration;
  turn: number;
  view: Viewstamp;
  logView: Viewstamp;
  checkpoint: CheckpointInfo | null;
  headProven: boolean;
  /** Why the head is not proven. Each start until it is tells it. */
  doubt: string;
  /** Entries that were durable and can no longer be read, by op. */
  readonly corrupt = new Map<Op, EntryName>();
  readonly index: EntryIndex;
  /** Only during recovery: a batch was lost that may have been this replica's. Its next turn tells. */
  doubtful = false;
  /** Only during recovery: what that batch was lost by. */
  suspicion = '';
  /** Only during recovery: a part of this replica was certainly lost. */
  lostParts = false;
  /** Only during recovery: the same, and a later start took account of it. */
  lostOnce = false;
  /** False until the part that makes the replica is in a batch. Manifests do not name the replica before. */
  logged = true;

  /** Entries that were handed over and are not durable yet. */
  readonly #overlay = new Numbered<Entry, Op>();
  #handedFirst: Op;
  #handedHead: Op;
  #handedCheckpoint: CheckpointInfo | null;
  /** Set once the replica is removed. What still waits for it is not logged any more. */
  removed = false;

  constructor(state: ReplicaState, pin: Pin) {
    this.identity = state.identity;
    this.configuration = state.configuration;
    this.turn = state.turn;
    this.view = state.view;
    this.logView = state.logView;
    this.checkpoint = state.checkpoint;
    this.headProven = state.headProven;
    this.doubt = state.doubt;
    this.index = new EntryIndex(state.first, pin);
    this.index.fit(state.first, state.head);
    for (const name of state.corrupt) this.corrupt.set(name.op, name);
    this.#handedFirst = state.first;
    this.#handedHead = state.head;
    this.#handedCheckpoint = state.checkpoint;
  }

  state(): ReplicaState {
    return {
      identity: this.identity,
      configuration: this.configuration,
      turn: this.turn,
      view: this.view,
      logView: this.logView,
      checkpoint: this.checkpoint,
      first: this.index.first,
      head: this.index.head,
      headProven: this.headProven,
      doubt: this.doubt,
      corrupt: [...this.corrupt.values()],
    };
  }

  /** Ends recovery. What was recovered counts as handed over by the replica. */
  settle(): void {
    this.#handedFirst = this.index.first;
    this.#handedHead = this.index.head;
    this.#handedCheckpoint = this.checkpoint;
  }

  // The view of what was handed over.

  get handedCheckpoint(): CheckpointInfo | null {
    return this.#handedCheckpoint;
  }

  /** True when the log, as it was handed over, has the entry at `op`. The entry may be corrupt. */
  holds(op: Op): boolean {
    return op >= this.#handedFirst && op <= this.#handedHead;
  }

  waiting(op: Op): Entry | undefined {
    return this.#overlay.get(op);
  }

  /** Takes over a batch of the replica. `resets` says that its checkpoint replaces the log up to it. */
  hand(batch: StorageBatch, resets: boolean): void {
    if (batch.checkpoint !== undefined) {
      const { op } = batch.checkpoint;
      this.#handedCheckpoint = batch.checkpoint;
      if (resets) {
        for (const [held] of this.#overlay.entries()) if (held <= op) this.#overlay.take(held);
        this.#handedFirst = op + 1;
        this.#handedHead = Math.max(this.#handedHead, op);
      }
    }
    if (batch.truncateFrom !== undefined) {
      for (const [held] of this.#overlay.entries()) if (held >= batch.truncateFrom) this.#overlay.take(held);
      this.#handedHead = Math.min(this.#handedHead, Math.max(batch.truncateFrom, this.#handedFirst) - 1);
    }
    for (const entry of batch.entries) {
      invariant(
        entry.op >= this.#handedFirst && entry.op <= this.#handedHead + 1,
        'an entry extends its log or repairs it',
        { op: entry.op, first: this.#handedFirst, head: this.#handedHead, replica: this.identity.replica },
      );
      this.#overlay.set(entry.op, entry);
      if (entry.op > this.#handedHead) this.#handedHead = entry.op;
    }
    if (batch.shortenTo !== undefined) {
      invariant(batch.shortenTo <= (this.#handedCheckpoint?.op ?? 0), 'a log is shortened only up to its checkpoint', {
        shortenTo: batch.shortenTo,
        checkpoint: this.#handedCheckpoint?.op ?? 0,
      });
      const to = Math.min(batch.shortenTo, this.#handedHead);
      if (to >= this.#handedFirst) this.#handedFirst = to + 1;
    }
  }

  /** These entries are durable. From now on they are read from the disk. */
  durable(entries: readonly Entry[]): void {
    for (const entry of entries) if (this.#overlay.get(entry.op) === entry) this.#overlay.take(entry.op);
  }

  // The view of what is in batches. The order of these calls is the order of the fields of a StorageBatch.

  /** Applies everything in a change except its entries and what follows them. */
  begin(head: ChangeHead): void {
    // After parts that are lost, this may be another replica of the same name, with the views of its own.
    invariant(this.lostParts || compareViewstamps(head.view, this.view) >= 0, 'a view never goes down', {
      view: head.view,
      before: this.view,
    });
    this.adopt(head);
    if (head.checkpoint !== null) {
      this.checkpoint = head.checkpoint;
      if (head.resets) {
        if (head.checkpoint.op >= this.index.head) this.index.reset(head.checkpoint.op + 1);
        else this.index.dropTo(head.checkpoint.op);
      }
    }
    if (head.truncateFrom !== null) this.index.truncateFrom(head.truncateFrom);
    this.#forget();
  }

  /** The promises, the configuration, and what they say of the head. */
  adopt(head: ChangeHead): void {
    this.turn = head.turn;
    this.view = head.view;
    this.logView = head.logView;
    if (head.configuration !== null) this.configuration = head.configuration;
    // Installing a StartView sets log_view. The log is then that view's log, whatever it was before.
    if (head.installs) {
      this.headProven = true;
      this.doubt = '';
    }
  }

  place(op: Op, segment: number, offset: number, length: number): void {
    this.index.set(op, segment, offset, length);
    this.corrupt.delete(op);
  }

  /** The entry was durable, and only its name is left. */
  placeUnreadable(name: EntryName): void {
    this.index.set(name.op, 0, 0, 0);
    this.corrupt.set(name.op, name);
  }

  finish(shortenTo: Op | null): void {
    if (shortenTo === null) return;
    this.index.dropTo(shortenTo);
    this.#forget();
  }

  #forget(): void {
    if (this.corrupt.size === 0) return;
    for (const op of this.corrupt.keys()) if (!this.index.holds(op)) this.corrupt.delete(op);
  }

  /** As a replica takes it up. */
  recovered(): RecoveredReplica {
    return {
      identity: this.identity,
      configuration: this.configuration,
      view: this.view,
      logView: this.logView,
      checkpoint: this.checkpoint,
      head: this.index.head,
      first: this.index.first,
      corrupt: [...this.corrupt.values()].sort((a, b) => a.op - b.op),
      headProven: this.headProven,
    };
  }
}
