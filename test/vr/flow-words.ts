/** What replicas say, do and report, in words, for the transcripts of flows.ts. */

import { textOf } from '../../core/base/bytes.ts';
import type { Entry } from '../../core/vr/entry.ts';
import type { LogDescription, Message, MessageKind, MessageOf } from '../../core/vr/messages.ts';
import type { Effect, ReplicaEvent, StorageBatch } from '../../core/vr/ports.ts';

/** If there are more entries than this, only the first and the last are told. */
const fewEntries = 4;

/** Describes a group in words. It remembers which entry has which checksum, and in which order nonces came. */
export class FlowWords {
  readonly #entries = new Map<string, string>();
  readonly #nonces = new Map<number, number>();

  /** Learns the names of the entries that an effect makes or brings. */
  learn(effect: Effect): void {
    const entries = effect.kind === 'persist' ? effect.batch.entries : [];
    for (const entry of entries) this.#entries.set(entry.checksum, entryInWords(entry));
  }

  message(message: Message): string {
    const say = this.#messages[message.kind] as (message: Message) => string;
    return `${message.kind} ${say(message)}`.trim();
  }

  readonly #messages: { readonly [K in MessageKind]: (message: MessageOf<K>) => string } = {
    prepare: ({ view, entries, commit }) => `in view ${view}: ${entriesInWords(entries)}; committed up to ${commit}`,
    prepareOk: ({ op }) => `"I durably hold all up to ${op}"`,
    commit: ({ commit, agreed, shortenTo }) =>
      [
        `(heartbeat): committed up to ${commit}`,
        ...(agreed === null ? [] : [`a quorum has the same state at ${agreed.op}`]),
        ...(shortenTo === 0 ? [] : [`a quorum has a checkpoint at ${shortenTo}`]),
      ].join('; '),
    commitOk: ({ op, checkpoint }) =>
      `"I durably hold all up to ${op}"${checkpoint === null ? '' : `; checkpoint at ${checkpoint.op}`}`,
    startViewChange: ({ target }) => `"I want view ${target}"`,
    doViewChange: ({ view, log }) => `for view ${view}: ${this.#log(log)}`,
    startView: ({ view, commit, log, nonce }) =>
      `${view}: ${this.#log(log)}; committed up to ${commit}${nonce === 0 ? '' : `; ${this.#nonce(nonce)}`}`,
    getState: ({ from, through, nonce }) =>
      `"I lack ${from} ${through === Number.MAX_SAFE_INTEGER ? 'and all above' : `to ${through}`}"; ${this.#nonce(nonce)}`,
    newState: ({ entries, checkpoint, commit, nonce }) => {
      const brought = checkpoint === null ? entriesInWords(entries) : `there is a checkpoint at ${checkpoint.op}`;
      return `${brought}; committed up to ${commit}; ${this.#nonce(nonce)}`;
    },
    getStartView: ({ view, nonce }) => `"tell me the log of view ${view}"; ${this.#nonce(nonce)}`,
    viewNow: ({ view }) => `"my view is ${view}"`,
    getChunk: ({ op, index, nonce }) => `${index} of the checkpoint at ${op}; ${this.#nonce(nonce)}`,
    chunk: ({ index, bytes, nonce }) => `${index}${bytes === null ? ' is not here' : ''}; ${this.#nonce(nonce)}`,
    readIndex: ({ nonce }) => `"up to which op must I have executed?"; ${this.#nonce(nonce)}`,
    readIndexOk: ({ index, nonce }) => `up to ${index}; ${this.#nonce(nonce)}`,
    recovery: ({ nonce }) => `"where do you stand?"; ${this.#nonce(nonce)}`,
    recoveryOk: ({ view, nonce }) => `"in view ${view}"; ${this.#nonce(nonce)}`,
  };

  /** Nonces are numbered as they are drawn, because their values mean nothing. */
  #nonce(nonce: number): string {
    const known = this.#nonces.get(nonce) ?? this.#nonces.size + 1;
    this.#nonces.set(nonce, known);
    return `nonce #${known}`;
  }

  #log({ logView, head, floor, checksums, corrupt }: LogDescription): string {
    const above = checksums.map((checksum) => this.#entries.get(checksum) ?? 'an entry that nobody here made');
    const named = above.length === 0 ? 'nothing above its floor' : `above its floor ${shortList(above)}`;
    const unreadable = corrupt.length === 0 ? '' : `; cannot read ${corrupt.join(', ')}`;
    return `log of view ${logView.view}, head ${head}, floor ${floor}, ${named}${unreadable}`;
  }

  /** What a replica does; null for sending, which is told elsewhere. */
  effect(effect: Effect): string | null {
    switch (effect.kind) {
      case 'send':
        return null;
      case 'persist':
        return `hands to its disk: ${batchInWords(effect.batch)}`;
      case 'reply':
        return effect.result.ok
          ? `answers the client: "${textOf(effect.result.reply) ?? ''}"`
          : `answers the client: ${effect.result.error.code} (${effect.result.error.outcome})`;
      case 'readReady':
        return effect.result.ok ? 'answers the read from its state as it is now' : 'cannot answer the read';
      case 'writeCheckpoint':
        return `writes a checkpoint of its state at ${effect.draft.op}`;
      case 'dropCheckpoint':
        return `gives up the checkpoint at ${effect.checkpoint.op}`;
      case 'stageChunk':
        return `stages chunk ${effect.index} of the checkpoint at ${effect.checkpoint.op}`;
      case 'applied':
        return `executes ${entryInWords(effect.entry)}`;
      case 'restored':
        return `has a whole state, as it is at ${effect.op}`;
      case 'event':
        return eventInWords(effect.event);
    }
  }
}

function entryInWords(entry: Entry): string {
  return `${entry.op} "${textOf(entry.body) ?? ''}"`;
}

function entriesInWords(entries: readonly Entry[]): string {
  return entries.length === 0 ? 'no entry' : shortList(entries.map(entryInWords));
}

function shortList(names: readonly string[]): string {
  return names.length <= fewEntries ? names.join(', ') : `${names[0]!} to ${names.at(-1)!}`;
}

function batchInWords(batch: StorageBatch): string {
  const parts: string[] = [];
  if (batch.configuration !== undefined) parts.push(`configuration of epoch ${batch.configuration.epoch}`);
  if (batch.view !== undefined) parts.push(`view = ${batch.view.view}`);
  if (batch.logView !== undefined) parts.push(`log_view = ${batch.logView.view}`);
  if (batch.checkpoint !== undefined) parts.push(`the checkpoint at ${batch.checkpoint.op} is in force`);
  if (batch.truncateFrom !== undefined) parts.push(`nothing from ${batch.truncateFrom} up stays`);
  if (batch.entries.length > 0) parts.push(entriesInWords(batch.entries));
  if (batch.shortenTo !== undefined) parts.push(`the log up to ${batch.shortenTo} goes`);
  return parts.length === 0 ? 'nothing new' : parts.join('; ');
}

function eventInWords(event: ReplicaEvent): string {
  switch (event.kind) {
    case 'status':
      return `is in status ${event.status}, view ${event.viewstamp.view}${event.primary === null ? ', following no primary' : `, primary ${event.primary}`}`;
    case 'suspects':
      return `suspects ${event.primary}: ${event.reason}`;
    case 'committed':
      return `commits ${event.op}: ${event.by.join(' and ')} hold it`;
    case 'transfer':
      return `fetches ${event.by === 'entries' ? 'entries' : 'a checkpoint'} up to ${event.to} from ${event.from}`;
    case 'repaired':
      return `has ${event.op} again`;
    case 'dropped':
      return `drops it: ${event.reason}`;
    case 'alarm':
      return `alarm: ${event.reason}`;
    case 'alarmOver':
      return `the alarm is over: ${event.about}`;
    case 'refused':
      return `does not believe it: ${event.reason}`;
  }
}
