/** Holds something for as long as somebody looks: the store beneath the hooks of `haret/react`. */

import { HaretError } from '../../core/base/errors.ts';
import type { Hold } from './hold.ts';

/**
 * - `off`: nobody asked for it.
 * - `waiting`: it is asked for, or stands in line. `error` says why it was lost, or not answered, if it was.
 * - `held`: it is held and can be counted on.
 * - `failed`: it will not be asked for again. `error` says why.
 */
export type HoldState<H extends Hold> =
  | {
      /** Whether it is held, waited for, or neither. */
      readonly status: 'off' | 'waiting';
      /** Nothing is held. */
      readonly hold: undefined;
      /** Why it was lost, or not answered. Undefined when it was neither. */
      readonly error: HaretError | undefined;
    }
  | {
      /** It is held. */
      readonly status: 'held';
      /** What is held. */
      readonly hold: H;
      /** No error. */
      readonly error: undefined;
    }
  | {
      /** It will not be asked for again. */
      readonly status: 'failed';
      /** Nothing is held. */
      readonly hold: undefined;
      /** The reason. */
      readonly error: HaretError;
    };

const off = { status: 'off', hold: undefined, error: undefined } as const;

export function stateOff(): typeof off {
  return off;
}

export class Keeper<H extends Hold> {
  readonly #acquire: (signal: AbortSignal) => Promise<H>;
  readonly #listeners = new Set<() => void>();
  #state: HoldState<H> = off;
  #stop: AbortController | null = null;

  constructor(acquire: (signal: AbortSignal) => Promise<H>) {
    this.#acquire = acquire;
  }

  /** The same object until something changes. */
  get state(): HoldState<H> {
    const { status, hold } = this.#state;
    // A page that stood still learns here what it has lost, before it renders that it holds it.
    if (status === 'held' && !hold.held)
      this.#state = hold.lost === undefined ? off : { status: 'waiting', hold: undefined, error: hold.lost };
    return this.#state;
  }

  /** Asks for it, until the last listener has gone. Then it is given up. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#stop === null) {
      this.#stop = new AbortController();
      void this.#keep(this.#stop.signal);
    }
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#stop?.abort();
      this.#stop = null;
      this.#state = off;
    };
  }

  async #keep(signal: AbortSignal): Promise<void> {
    let error: HaretError | undefined;
    while (!signal.aborted) {
      this.#set(signal, { status: 'waiting', hold: undefined, error });
      try {
        const hold = await this.#acquire(signal);
        this.#set(signal, { status: 'held', hold, error: undefined });
        error = await over(hold, signal);
        if (error === undefined) {
          await hold[Symbol.asyncDispose]();
          return;
        }
      } catch (reason) {
        if (!(reason instanceof HaretError)) throw reason;
        error = reason;
      }
      if (isFinal(error)) {
        this.#set(signal, { status: 'failed', hold: undefined, error });
        return;
      }
    }
  }

  #set(signal: AbortSignal, state: HoldState<H>): void {
    if (signal.aborted) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** A hold that was lost is asked for again, and so is one to which no node has answered in time. */
function isFinal({ code, details }: HaretError): boolean {
  return code === 'Lost' ? details['reason'] === 'closed' : code !== 'Timeout';
}

/** Why it was lost. Undefined when nobody wants it any more. */
function over(hold: Hold, stop: AbortSignal): Promise<HaretError | undefined> {
  return new Promise((resolve) => {
    const { signal } = hold;
    const end = (): void => {
      signal.removeEventListener('abort', end);
      stop.removeEventListener('abort', end);
      resolve(hold.lost);
    };
    if (signal.aborted || stop.aborted) return end();
    signal.addEventListener('abort', end);
    stop.addEventListener('abort', end);
  });
}
