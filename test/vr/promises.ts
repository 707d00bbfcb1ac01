/**
 * What a replica promises by the messages that it sends (protocol §2), compared with what its disk durably has at that
 * moment.
 */

import { compareViewstamps } from '../../core/vr/configuration.ts';
import type { LogDescription, Message } from '../../core/vr/messages.ts';
import type { MemoryStorage } from './memory-storage.ts';

/** Fails the story, with its seed, when the condition does not hold. */
export type Must = (condition: boolean, what: string) => void;

export class Promises {
  readonly #must: Must;
  readonly #pipelineEntries: number;
  readonly #committed: (op: number) => string | undefined;
  /** By replica: the log of its newest DoViewChange. No later one of the same log_view may contradict it. */
  readonly #told = new Map<string, LogDescription>();

  /** @param committed the checksum that is committed at an op, once some replica has applied it. */
  constructor(must: Must, committed: (op: number) => string | undefined, pipelineEntries: number) {
    this.#must = must;
    this.#committed = committed;
    this.#pipelineEntries = pipelineEntries;
  }

  /** `name` sends `message`, with this on its disk. `leads`: it is the primary of its view. */
  check(name: string, message: Message, storage: MemoryStorage, leads: boolean): void {
    const who = `${name} in view ${message.view}`;
    if (message.kind === 'prepareOk' || message.kind === 'commitOk') {
      if (message.op === 0) return;
      this.#must(storage.durableLogView.view === message.view, `${who} vouches without a durable log_view`);
      this.#must(storage.durableHead >= message.op, `${who} vouches for ${message.op} before it is durable`);
      const rotten = storage.lowestRotten;
      this.#must(
        rotten === null || rotten > message.op,
        `${who} vouches for ${message.op} and cannot read ${rotten ?? 0}`,
      );
    }
    if (message.kind === 'startView') {
      this.#bounded(who, message.log);
      if (leads) this.#must(storage.durableLogView.view === message.view, `${who} starts it without durable log_view`);
    }
    if (message.kind === 'doViewChange') this.#vote(name, who, message.view, message.log, storage);
  }

  #vote(name: string, who: string, view: number, log: LogDescription, storage: MemoryStorage): void {
    this.#bounded(who, log);
    this.#must(storage.durableView.view === view, `${who} votes without a durable view`);
    this.#must(storage.durableLogView.view === log.logView.view, `${who} votes with another log_view`);
    this.#must(storage.durableHead === log.head, `${who} votes with another head`);
    for (let op = log.floor + 1; op <= log.head; op++) {
      const held = storage.held(op);
      this.#must(held === headerOf(log, op) || held === 'checkpoint', `${who} votes with another log`);
    }
    // A disk can no longer describe what it lost.
    if (storage.lostBatches) return;
    const before = this.#told.get(name);
    this.#told.set(name, log);
    if (before === undefined || compareViewstamps(before.logView, log.logView) !== 0) return;
    // Committed entries may be added to it, in place of others that were never committed.
    this.#must(before.head <= log.head, `${who} tells a shorter log of one log_view`);
    for (let op = Math.max(before.floor, log.floor) + 1; op <= log.head; op++) {
      const header = headerOf(log, op);
      const same = op <= before.head && headerOf(before, op) === header;
      this.#must(same || header === this.#committed(op), `${who} tells two logs of one log_view`);
    }
  }

  /** A view change ships little: the pipeline bounds what may be uncommitted (protocol §2, V23). */
  #bounded(who: string, log: LogDescription): void {
    const most = this.#pipelineEntries + log.corrupt.length;
    this.#must(log.head - log.floor <= most, `${who} ships ${log.head - log.floor} headers`);
  }
}

function headerOf(log: LogDescription, op: number): string | undefined {
  return log.checksums[op - log.floor - 1];
}
