/** The background watches of a shell. Their events are kept until the user looks, up to a bound. */

import type { ErrorInfo } from '../base/errors.ts';
import { HaretError } from '../base/errors.ts';
import type { ShellWatch, ShellWatchEvent } from './connection.ts';

/** How many events of one watch are kept. More are only counted. */
const maxKept = 1000;

/** What a watch received since the user last looked. */
export interface WatchNews {
  readonly id: number;
  readonly events: readonly ShellWatchEvent[];
  readonly dropped: number;
  /** Set when the watch is over. The error is null if it ended without one. */
  readonly ended: { readonly error: ErrorInfo | null } | null;
}

class BackgroundWatch {
  readonly id: number;
  /** Its path and flags, for people. */
  readonly title: string;
  readonly watch: ShellWatch;
  events: ShellWatchEvent[] = [];
  dropped = 0;
  ended: { readonly error: ErrorInfo | null } | null = null;

  constructor(id: number, title: string, watch: ShellWatch) {
    this.id = id;
    this.title = title;
    this.watch = watch;
  }
}

export class BackgroundWatches {
  readonly #watches = new Map<number, BackgroundWatch>();
  #lastId = 0;

  get all(): readonly { readonly id: number; readonly title: string }[] {
    return [...this.#watches.values()];
  }

  /** Lets a watch go on by itself. @returns the number with which it is ended. */
  add(title: string, watch: ShellWatch): number {
    const id = ++this.#lastId;
    const one = new BackgroundWatch(id, title, watch);
    this.#watches.set(id, one);
    void this.#follow(one);
    return id;
  }

  async #follow(one: BackgroundWatch): Promise<void> {
    try {
      for await (const event of one.watch) {
        if (one.events.length < maxKept) one.events.push(event);
        else one.dropped++;
      }
      one.ended = { error: null };
    } catch (error) {
      if (!(error instanceof HaretError)) throw error;
      one.ended = { error };
    }
  }

  /** Ends a watch. Returns false when none has this number. */
  remove(id: number): boolean {
    const one = this.#watches.get(id);
    if (one === undefined) return false;
    this.#watches.delete(id);
    void one.watch.return();
    return true;
  }

  clear(): void {
    for (const id of [...this.#watches.keys()]) this.remove(id);
  }

  /** Takes what was received since the last time. Watches that are over are forgotten. */
  take(): readonly WatchNews[] {
    const news: WatchNews[] = [];
    for (const one of this.#watches.values()) {
      const { id, events, dropped, ended } = one;
      if (events.length === 0 && ended === null) continue;
      news.push({ id, events, dropped, ended });
      one.events = [];
      one.dropped = 0;
      if (ended !== null) this.#watches.delete(id);
    }
    return news;
  }
}
