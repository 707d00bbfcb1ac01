/**
 * The watches that one replica serves. Those that are up to date are told of each entry as it is applied, which is
 * encoded once for all watches of the same scope. The others catch up in turns.
 */

import type { Op } from '../../base/ids.ts';
import type { HistoryRecord } from '../../service/history.ts';
import type { TreeChange } from '../../tree/change.ts';
import type { Effort, Watch, WatchSource } from './watch.ts';
import { eventOf } from './watch.ts';
import type { WatchGroup } from './watch-index.ts';
import { WatchIndex } from './watch-index.ts';

export class WatchFeed {
  readonly #source: WatchSource;
  readonly #onEnded: (watch: Watch) => void;
  readonly #index = new WatchIndex<Watch>();
  /** Watches that catch up, in the order of their turns. */
  readonly #behind = new Set<Watch>();
  /** The live watches were told everything up to this op. */
  #dispatched: number;

  /** @param onEnded is called for a watch that ended by itself. */
  constructor(source: WatchSource, onEnded: (watch: Watch) => void) {
    this.#source = source;
    this.#onEnded = onEnded;
    this.#dispatched = source.op;
  }

  get size(): number {
    return this.#index.size + this.#behind.size;
  }

  add(watch: Watch, effort: Effort): void {
    this.advance();
    this.#behind.add(watch);
    this.#goOn(watch, effort);
  }

  remove(watch: Watch): void {
    this.#behind.delete(watch);
    if (watch.live) this.#index.remove(watch.wish, watch);
    watch.live = false;
  }

  *watches(): Generator<Watch, void> {
    yield* this.#index.members();
    yield* [...this.#behind];
  }

  /** Tells the live watches what was applied since the last time. */
  advance(): void {
    const { op, history } = this.#source;
    const from = this.#dispatched;
    if (op === from) return;
    this.#dispatched = op;
    if (this.#index.size === 0) return;
    // A checkpoint replaced the state. The changes that led to it are not known here.
    if (from < history.floor) return this.#leaveBehind(from);
    for (const record of history.after(from)) this.#deliver(record);
  }

  #leaveBehind(op: Op): void {
    for (const watch of [...this.#index.members()]) this.#fallBehind(watch, op);
  }

  #fallBehind(watch: Watch, op: Op): void {
    this.#index.remove(watch.wish, watch);
    watch.live = false;
    watch.cursor = op;
    this.#behind.add(watch);
  }

  #deliver(record: HistoryRecord): void {
    const { changes } = record;
    if (changes.length === 1) {
      this.#index.match(changes[0]!, (group) => this.#tell(group, record, changes));
      return;
    }
    const concerned = new Map<WatchGroup<Watch>, TreeChange[]>();
    for (const change of changes) {
      this.#index.match(change, (group) => {
        const before = concerned.get(group);
        if (before === undefined) concerned.set(group, [change]);
        else before.push(change);
      });
    }
    for (const [group, some] of concerned) this.#tell(group, record, some);
  }

  #tell(group: WatchGroup<Watch>, record: HistoryRecord, changes: readonly TreeChange[]): void {
    const event = eventOf(record, changes, group.values);
    for (const watch of group.members) {
      if (!watch.event(record.op, event)) this.#fallBehind(watch, watch.cursor);
      else if (watch.ended) this.#end(watch);
    }
  }

  #end(watch: Watch): void {
    this.remove(watch);
    this.#onEnded(watch);
  }

  /**
   * Lets the watches that are behind catch up, each as far as its reader has room, all of them together as far as
   * `effort` allows.
   */
  catchUp(effort: Effort): void {
    if (this.#behind.size === 0) return;
    this.advance();
    for (const watch of [...this.#behind]) {
      if (effort.left <= 0) return;
      // It goes to the end of the line.
      this.#behind.delete(watch);
      this.#behind.add(watch);
      this.#goOn(watch, effort);
    }
  }

  #goOn(watch: Watch, effort: Effort): void {
    const arrived = watch.catchUp(this.#source, effort);
    if (watch.ended) return this.#end(watch);
    if (!arrived) return;
    this.#behind.delete(watch);
    watch.live = true;
    this.#index.add(watch.wish, watch);
  }

  /** Tells watches that were told nothing since `beforeMs` how far they are. */
  mark(nowMs: number, beforeMs: number): void {
    this.advance();
    const { op } = this.#source;
    for (const watch of this.#index.members()) {
      if (watch.toldAtMs > beforeMs || !watch.sink.hasRoom()) continue;
      watch.toldAtMs = nowMs;
      watch.progress(op);
    }
  }
}
