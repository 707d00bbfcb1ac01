/**
 * What a queue has besides items that wait and were never touched (coordination §11): urgent, delayed, taken and dead
 * items, and the line of those who wait for one. A queue that is only pushed and popped has none of it.
 */

import type { Op, RequestNumber, SessionId } from '../../base/ids.ts';
import { newNames, newNumbered, newTimed } from '../btree.ts';
import type { SortedMap, Timed } from '../btree.ts';
import type { Stored } from '../stored.ts';
import type { Claim } from './claims.ts';
import { itemOverheadBytes } from './head.ts';

/** What a job, a delayed or a dead item counts besides what it counts while it waits. */
export const jobOverheadBytes = 64;
/** The highest priority. Without one, an item has 0. */
export const maxPriority = 9;

/** What stays the same wherever an item is. */
export interface Item {
  readonly value: Stored;
  readonly priority: number;
  /** How often it was taken, without those that a clean end of a session gave back. */
  readonly attempts: number;
}

/** A waiting item. Of one that was never taken and has no priority, only its value is kept. */
export type Waiting = Stored | Item;

export function valueOf(waiting: Waiting): Stored {
  return typeof waiting === 'string' || waiting instanceof Uint8Array ? waiting : waiting.value;
}

export function itemOf(waiting: Waiting): Item {
  if (typeof waiting === 'string' || waiting instanceof Uint8Array) return { value: waiting, priority: 0, attempts: 0 };
  return waiting;
}

export function waitingOf({ value, priority, attempts }: Item): Waiting {
  return attempts === 0 && priority === 0 ? value : { value, priority, attempts };
}

/** What an item counts while it waits. */
export function bytesOfItem({ value }: Pick<Item, 'value'>): number {
  return value.length + itemOverheadBytes;
}

/** An item with its number. Later pushes have higher ones, and no number is used twice while the queue lives. */
export interface NumberedItem extends Item {
  readonly id: number;
}

export interface DelayedItem extends NumberedItem {
  /** The replicated time from which on it waits. */
  readonly ready: number;
}

/** An item that was taken and is not acknowledged yet. */
export interface Job extends NumberedItem {
  readonly session: SessionId;
  /** The op that made the take, and the number of the session's request that made it. */
  readonly claim: Op;
  readonly request: RequestNumber;
  /** The op of the entry that gave it. */
  readonly receipt: Op;
  readonly since: number;
  /** The replicated time at which it is taken back. */
  readonly until: number;
  /** Its session is continued by another process, and can do nothing with it any more (coordination §6). */
  readonly shadow: boolean;
  readonly note: string | null;
}

export interface DeadItem extends NumberedItem {
  readonly reason: string;
  readonly since: number;
  /** Its place among the dead of its queue. The first one died first. */
  readonly grave: number;
}

/** A take that waits for items. Its permits are how many it takes at most. */
export interface Taker extends Claim {
  readonly visibilityMs: number;
}

/** The first put under an id of deduplication. Until then, another one is its duplicate. */
export interface FirstPut {
  readonly id: string;
  readonly item: number;
  readonly until: number;
}
/** Ids that a queue knows at most. */
export const maxFirstPuts = 100_000;

export function bytesOfFirstPut({ id }: FirstPut): number {
  return jobOverheadBytes + id.length;
}

export interface QueueSettings {
  /** After so many attempts, an item that comes back is dead. 0: never. */
  readonly maxAttempts: number;
  readonly maxDead: number;
}
export const defaultSettings: QueueSettings = { maxAttempts: 5, maxDead: 10_000 };

export class Jobs {
  settings: QueueSettings = defaultSettings;
  /** Waiting items with a priority above 0: those of 9 first. A priority without any has no map. */
  readonly urgent: (SortedMap<number, Item> | undefined)[];
  /** By the time at which they are ready. */
  readonly delayed: SortedMap<Timed, DelayedItem>;
  readonly taken: SortedMap<number, Job>;
  readonly dead: SortedMap<number, DeadItem>;
  /** Ids of the dead by their graves. */
  readonly graves: SortedMap<number, number>;
  /** Takes that wait, by the op that made them. */
  readonly line: SortedMap<number, Taker>;
  /** First puts by their ids, and the ids by their ends. */
  readonly firstPuts: SortedMap<string, FirstPut>;
  readonly ends: SortedMap<Timed, string>;
  /** Dead items that were dropped because there were too many. */
  dropped = 0;

  constructor(of: Jobs | null = null) {
    this.urgent = of === null ? [] : of.urgent.map((one) => one?.clone());
    this.delayed = of?.delayed.clone() ?? newTimed();
    this.taken = of?.taken.clone() ?? newNumbered();
    this.dead = of?.dead.clone() ?? newNumbered();
    this.graves = of?.graves.clone() ?? newNumbered();
    this.line = of?.line.clone() ?? newNumbered();
    this.firstPuts = of?.firstPuts.clone() ?? newNames();
    this.ends = of?.ends.clone() ?? newTimed();
    if (of === null) return;
    this.settings = of.settings;
    this.dropped = of.dropped;
  }

  /** Waiting items with a priority above 0. */
  get urgentCount(): number {
    let count = 0;
    for (const one of this.urgent) count += one?.size ?? 0;
    return count;
  }

  /** The replicated time at which the first delayed item is ready, or the first id is forgotten. */
  get dueAt(): number | null {
    const ready = this.delayed.minKey()?.at ?? Infinity;
    const first = Math.min(ready, this.ends.minKey()?.at ?? Infinity);
    return first === Infinity ? null : first;
  }

  ofPriority(priority: number): SortedMap<number, Item> {
    return (this.urgent[maxPriority - priority] ??= newNumbered());
  }
}

/** What an item that does not wait counts, besides its value and what every item counts. */
export function bytesOfNote(note: string | null): number {
  return jobOverheadBytes + (note?.length ?? 0);
}
