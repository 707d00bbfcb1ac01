/** A watch as an async iterator. Items that are not taken yet wait here. When many wait, the node is asked to pause. */

import type { ErrorInfo } from '../base/errors.ts';
import { HaretError, errorInfo } from '../base/errors.ts';
import type { WatchHandle, WatchTold } from './watches.ts';

/** What a watch yields: everything that it is told except its end. */
export type WatchYield = Exclude<WatchTold, { kind: 'ended' }>;

/** The node is asked to pause when this many items wait, and to resume when only so few are left. */
const pauseAt = 256;
const resumeAt = 32;

interface Taker {
  resolve(result: IteratorResult<WatchYield, undefined>): void;
  reject(error: unknown): void;
}

export class WatchStream implements AsyncIterableIterator<WatchYield, undefined> {
  readonly #signal: AbortSignal | undefined;
  readonly #waiting: WatchYield[] = [];
  readonly #takers: Taker[] = [];
  #handle: WatchHandle | null = null;
  #paused = false;
  #over = false;
  #error: ErrorInfo | null = null;
  readonly #aborted = (): void => {
    this.#handle?.cancel();
    this.#finish(errorInfo('Interrupted', 'the watch was interrupted', {}, 'definite'));
  };

  /** @param open begins the watch with the handler that it is given. */
  constructor(open: (handler: (told: WatchTold) => void) => WatchHandle, signal?: AbortSignal) {
    this.#signal = signal;
    if (signal?.aborted === true) {
      this.#aborted();
      return;
    }
    signal?.addEventListener('abort', this.#aborted, { once: true });
    this.#handle = open((told) => this.#told(told));
  }

  #told(told: WatchTold): void {
    if (this.#over) return;
    if (told.kind === 'ended') {
      this.#finish(told.error);
      return;
    }
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker.resolve({ done: false, value: told });
      return;
    }
    this.#waiting.push(told);
    if (this.#waiting.length < pauseAt || this.#paused) return;
    this.#paused = true;
    this.#handle?.pause();
  }

  #finish(error: ErrorInfo | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#signal?.removeEventListener('abort', this.#aborted);
    for (const taker of this.#takers.splice(0)) this.#end(taker);
  }

  #end(taker: Taker): void {
    const error = this.#error;
    // The error is reported once. Later calls hear that the iterator is done.
    this.#error = null;
    if (error === null) taker.resolve({ done: true, value: undefined });
    else taker.reject(new HaretError(error));
  }

  next(): Promise<IteratorResult<WatchYield, undefined>> {
    return new Promise((resolve, reject) => {
      const value = this.#waiting.shift();
      if (value !== undefined) {
        resolve({ done: false, value });
        if (!this.#paused || this.#waiting.length > resumeAt) return;
        this.#paused = false;
        this.#handle?.resume();
      } else if (this.#over) this.#end({ resolve, reject });
      else this.#takers.push({ resolve, reject });
    });
  }

  /** Ends the watch. `for await` calls it when the loop is left. */
  return(): Promise<IteratorResult<WatchYield, undefined>> {
    this.#handle?.cancel();
    this.#waiting.length = 0;
    this.#finish(null);
    this.#error = null;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
