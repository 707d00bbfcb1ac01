/**
 * One watch at the replica that serves it: a position in the order of entries up to which everything was told. It holds
 * no queue. A slow reader is told later, from history. A reader that is too late for that gets the state again
 * (architecture §5).
 */

import type { Op } from '../../base/ids.ts';
import type { Change } from '../../service/events.ts';
import { encodeEvent } from '../../service/events.ts';
import type { History, HistoryRecord } from '../../service/history.ts';
import { changeValue, concerns, isBeneath } from '../../tree/change.ts';
import type { TreeChange } from '../../tree/change.ts';
import { lastTellsAll } from '../../tree/kinds/index.ts';
import type { Tree } from '../../tree/tree.ts';
import type { ServerMessage } from '../../wire/api.ts';
import { snapshotPageBytes } from '../../wire/api-codecs.ts';
import type { WatchScope } from './watch-index.ts';

/** The messages that a watch can get. */
export type WatchMessage = Extract<ServerMessage, { kind: 'watching' | 'event' | 'snapshot' | 'progress' | 'error' }>;

export function isWatchMessage(message: ServerMessage): message is WatchMessage {
  const { kind } = message;
  return kind === 'watching' || kind === 'event' || kind === 'snapshot' || kind === 'progress' || kind === 'error';
}

/** Where the messages go: to a client's connection, or to a peer that passes them on to one. */
export interface WatchSink {
  tell(message: WatchMessage): void;
  /** False while so many bytes are unread there that a watch should wait too. */
  hasRoom(): boolean;
}

/** The state that is watched, which is that of a namespace. */
export interface WatchSource {
  /** The last op that was applied. */
  readonly op: Op;
  /** The tree after that op, as a value that does not change. */
  readonly tree: Tree;
  readonly history: History;
}

export interface WatchWish extends WatchScope {
  readonly oneshot: boolean;
  readonly slow: 'reset' | 'fold';
}

/** Bounds of changes in one page of a snapshot and in one folded event. */
const maxPageChanges = 1000;
const maxFoldedChanges = 2000;
const maxFoldedBytes = 256 * 1024;

/** How many entries and changes may be looked at in one go, so that watches that catch up do not delay writers. */
export interface Effort {
  left: number;
}

interface SnapshotReader {
  readonly op: Op;
  readonly reset: boolean;
  readonly rest: Iterator<TreeChange>;
  /** Taken from `rest` and not told yet, because it did not fit into the page before. */
  held: Change | null;
  first: boolean;
}

export class Watch {
  readonly id: number;
  readonly wish: WatchWish;
  readonly sink: WatchSink;
  /** True while it is told of each entry as it is applied. Otherwise it catches up. */
  live = false;
  ended = false;
  /** When something was last told, for the marks of progress. */
  toldAtMs = 0;
  /** Everything up to this op was told. While the watch is live, everything that was applied was told. */
  cursor: Op;
  /** The reader knows that it has everything up to this op. */
  told: number;
  #snapshot: SnapshotReader | null = null;
  #lagged = false;

  constructor(id: number, wish: WatchWish, sink: WatchSink, cursor: Op) {
    this.id = id;
    this.wish = wish;
    this.sink = sink;
    this.cursor = cursor;
    this.told = cursor;
  }

  /** Tells an entry that is known to concern this watch. @returns false when the watch must catch up instead. */
  event(op: Op, event: Uint8Array): boolean {
    if (!this.sink.hasRoom()) {
      this.cursor = op - 1;
      this.#lagged = true;
      return false;
    }
    this.#tell(op, event);
    return true;
  }

  #tell(op: Op, event: Uint8Array): void {
    this.sink.tell({ kind: 'event', id: this.id, event });
    this.told = op;
    if (this.wish.oneshot) this.ended = true;
  }

  /** Says that everything up to `op` was told. */
  progress(op: Op): void {
    if (op <= this.told) return;
    this.told = op;
    this.sink.tell({ kind: 'progress', id: this.id, op });
  }

  /** Begins to tell the state of `source` as it is now. */
  startSnapshot(source: WatchSource, reset: boolean): void {
    const { path, subtree } = this.wish;
    const rest = source.tree.contents(path, subtree);
    this.#snapshot = { op: source.op, reset, rest, held: null, first: true };
  }

  /**
   * Catches up as far as reader and effort allow.
   * @returns true when it is up to date, so that from now on it can be told of each entry as it is applied.
   */
  catchUp(source: WatchSource, effort: Effort): boolean {
    while (!this.ended && effort.left > 0 && this.sink.hasRoom()) {
      if (this.#snapshot !== null) this.#page(this.#snapshot, effort);
      // The replica lags behind what the reader already knows.
      else if (this.cursor > source.op) return false;
      else if (this.cursor < source.history.floor) this.startSnapshot(source, true);
      else if (this.wish.slow === 'fold' && this.#lagged) this.#fold(source, effort);
      else this.#replay(source, effort);
      if (this.#snapshot === null && this.cursor === source.op) {
        this.#lagged = false;
        return !this.ended;
      }
    }
    return false;
  }

  #page(snapshot: SnapshotReader, effort: Effort): void {
    const { values } = this.wish;
    const changes: Change[] = [];
    let bytes = 0;
    let last = false;
    while (bytes < snapshotPageBytes && changes.length < maxPageChanges) {
      const next = snapshot.held === null ? snapshot.rest.next() : null;
      if (next?.done === true) {
        last = true;
        break;
      }
      effort.left--;
      // Without values, all that a watch says about a queue or a set is that it exists.
      if (next !== null && !values && next.value.kind !== 'created') continue;
      const change: Change = next === null ? snapshot.held! : tell(next.value, values);
      snapshot.held = null;
      const size = sizeOf(change);
      if (changes.length > 0 && bytes + size > snapshotPageBytes) {
        snapshot.held = change;
        break;
      }
      changes.push(change);
      bytes += size;
    }
    const { op, reset, first } = snapshot;
    this.sink.tell({ kind: 'snapshot', id: this.id, op, reset, first, last, changes });
    snapshot.first = false;
    if (!last) return;
    this.#snapshot = null;
    this.#lagged = false;
    this.cursor = op;
    this.told = op;
    // A snapshot that replaces events ends a watch that waits for one event.
    if (reset && this.wish.oneshot) this.ended = true;
  }

  #replay(source: WatchSource, effort: Effort): void {
    for (const record of source.history.after(this.cursor)) {
      if (effort.left-- <= 0 || !this.sink.hasRoom()) return;
      const changes = this.#mine(record);
      if (changes.length > 0) this.#tell(record.op, eventOf(record, changes, this.wish.values));
      this.cursor = record.op;
      if (this.ended) return;
    }
    this.cursor = source.op;
  }

  /** Tells what was missed as one event. For each path it has only the state after the last of its changes. */
  #fold(source: WatchSource, effort: Effort): void {
    const folded = new Map<string, TreeChange>();
    let entries = 0;
    let bytes = 0;
    let timestamp = 0;
    let op = source.op;
    for (const record of source.history.after(this.cursor)) {
      if (effort.left-- <= 0 || folded.size >= maxFoldedChanges || bytes >= maxFoldedBytes) {
        op = this.cursor;
        break;
      }
      const changes = this.#mine(record);
      if (changes.length > 0) entries++;
      for (const change of changes) {
        foldIn(folded, change);
        bytes += change.value?.length ?? 0;
      }
      timestamp = record.timestamp;
      this.cursor = record.op;
    }
    this.cursor = op;
    if (folded.size === 0) return;
    const changes = [...folded.values()].map((change) => tell(change, this.wish.values));
    this.#tell(op, encodeEvent({ op, timestamp, folded: entries > 1, changes }));
  }

  #mine(record: HistoryRecord): readonly TreeChange[] {
    const { path, subtree } = this.wish;
    const { changes } = record;
    if (changes.length === 1) return concerns(changes[0]!, path, subtree) ? changes : [];
    return changes.filter((change) => concerns(change, path, subtree));
  }
}

/** A change as it is told, with or without its value. */
function tell(change: TreeChange, values: boolean): Change {
  const { path, kind, type, version, claim, cause } = change;
  if (!values) return { path, kind, type, version, value: null, number: null, claim, cause };
  return { path, kind, type, version, value: changeValue(change), number: change.number, claim, cause };
}

/** The event of an entry, with those of its changes that must be told. */
export function eventOf(record: HistoryRecord, changes: readonly TreeChange[], values: boolean): Uint8Array {
  const { op, timestamp } = record;
  return encodeEvent({ op, timestamp, folded: false, changes: changes.map((change) => tell(change, values)) });
}

function sizeOf(change: Change): number {
  return 24 + change.path.length + (change.value?.length ?? 0);
}

/**
 * Replaces the change that a later one makes outdated. The keys begin with `-` for a removal and `+` for what exists,
 * so a path that was removed and made again is told as both. Changes are told in the order of the last changes.
 */
function foldIn(folded: Map<string, TreeChange>, change: TreeChange): void {
  const { path } = change;
  const key = `+${path}`;
  const before = folded.get(key);
  folded.delete(key);
  if (change.kind === 'deleted') {
    if (change.removed !== null)
      for (const other of folded.keys()) if (isBeneath(other.slice(1), path)) folded.delete(other);
    folded.delete(`-${path}`);
    folded.set(`-${path}`, change);
    return;
  }
  if (before === undefined || change.kind === 'created') {
    folded.set(key, change);
    return;
  }
  const whole = lastTellsAll(change.type);
  // A node that was made within the fold is told as created, for a reader that does not know it yet.
  const kind = !whole ? 'changed' : before.kind === 'created' ? 'created' : change.kind;
  folded.set(key, { ...change, kind, value: whole ? change.value : null });
}
