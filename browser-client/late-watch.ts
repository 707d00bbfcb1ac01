/** Begins a watch with the engine, once its namespace is entered. */

import type { ErrorInfo } from '../core/base/errors.ts';
import type { Client } from '../core/client/client.ts';
import type { WatchHandle, WatchTold } from '../core/client/watches.ts';

/**
 * Begins a watch with an engine. The code that watches passes it in, so that a page without watches has no code for
 * them.
 */
export type BeginWatch = (engine: Client, handler: (told: WatchTold) => void) => WatchHandle;

/** Begins a watch once `ready` resolves. If that gives an error, the watch ends with it. */
export class LateWatch implements WatchHandle {
  #inner: WatchHandle | null = null;
  #cancelled = false;
  #paused = false;

  constructor(
    ready: Promise<{ readonly error: ErrorInfo | null }>,
    open: () => WatchHandle,
    handler: (told: WatchTold) => void,
  ) {
    void ready.then(({ error }) => {
      if (this.#cancelled) return;
      if (error !== null) {
        handler({ kind: 'ended', error });
        return;
      }
      this.#inner = open();
      if (this.#paused) this.#inner.pause();
    });
  }

  cancel(): void {
    this.#cancelled = true;
    this.#inner?.cancel();
  }

  pause(): void {
    this.#paused = true;
    this.#inner?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#inner?.resume();
  }
}
