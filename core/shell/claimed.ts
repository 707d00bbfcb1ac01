/** Claims of the client engine as promises, for the shell. */

import { claim } from '../client/claims.ts';
import type { ClaimHandle } from '../client/claims.ts';
import type { Client } from '../client/client.ts';
import { HaretError, errorInfo } from '../base/errors.ts';
import type { CallOptions, ClaimWish, ShellHold } from './connection.ts';

/** How long it may take until a claim is granted or stands in line. */
const defaultTimeoutMs = 10_000;

class Hold implements ShellHold {
  readonly path: string;
  readonly claim: number;
  readonly token: number;
  readonly #handle: ClaimHandle;
  lost: HaretError | null = null;
  #listeners: ((error: HaretError) => void)[] = [];

  constructor(
    path: string,
    { claim: id, token }: { readonly claim: number; readonly token: number },
    handle: ClaimHandle,
  ) {
    this.path = path;
    this.claim = id;
    this.token = token;
    this.#handle = handle;
  }

  onLost(listener: (error: HaretError) => void): void {
    if (this.lost === null) this.#listeners.push(listener);
    else listener(this.lost);
  }

  end(error: HaretError): void {
    this.lost = error;
    for (const listener of this.#listeners) listener(error);
    this.#listeners = [];
  }

  keep(): void {
    this.#handle.keep();
  }

  release({ timeoutMs }: CallOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#handle.release(0, timeoutMs > 0 ? timeoutMs : defaultTimeoutMs, (result) => {
        if (result.ok) resolve();
        else reject(new HaretError(result.error));
      });
    });
  }
}

/** Waits until a claim is granted, or passes a barrier. `signal` gives it up. */
export function claimed(
  client: Client,
  wish: ClaimWish,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<ShellHold | null> {
  const { path } = wish;
  return new Promise((resolve, reject) => {
    let hold: Hold | null = null;
    const abort = (): void => {
      handle.cancel();
      reject(new HaretError(errorInfo('Interrupted', 'interrupted', {}, 'definite')));
    };
    const settled = (): void => signal?.removeEventListener('abort', abort);
    const handle = claim(client, wish, { timeoutMs: timeoutMs > 0 ? timeoutMs : defaultTimeoutMs }, (told) => {
      switch (told.kind) {
        case 'waits':
          return;
        case 'granted':
          settled();
          hold = new Hold(path, told, handle);
          return resolve(hold);
        case 'passed':
          settled();
          return resolve(null);
        case 'ended': {
          settled();
          const error = new HaretError(told.error);
          if (hold === null) reject(error);
          else hold.end(error);
        }
      }
    });
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
