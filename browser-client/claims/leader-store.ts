/** Who leads, for as long as somebody looks: the store beneath `useLeader` of `haret/react`. */

import { HaretError } from '../../core/base/errors.ts';
import type { Election, Leader } from './election.ts';

/**
 * - `loading`: it is not known yet.
 * - `live`: `leader` leads, or nobody does, and changes will be told.
 * - `failed`: `error` says why, and `leader` is the last one that is known.
 */
export type LeaderState<Out> =
  | {
      /** Nothing is known yet. */
      readonly status: 'loading';
      /** Nobody is known. */
      readonly leader: undefined;
      /** No error. */
      readonly error: undefined;
    }
  | {
      /** It is known. */
      readonly status: 'live';
      /** Who leads. Undefined when nobody does. */
      readonly leader: Omit<Leader<Out>, 'session'> | undefined;
      /** No error. */
      readonly error: undefined;
    }
  | {
      /** It cannot be known. */
      readonly status: 'failed';
      /** Who led when it was last known. */
      readonly leader: Omit<Leader<Out>, 'session'> | undefined;
      /** The reason. */
      readonly error: HaretError;
    };

const loading = { status: 'loading', leader: undefined, error: undefined } as const;

export function leaderUnknown(): typeof loading {
  return loading;
}

export class LeaderStore<Out> {
  readonly #election: Election<Out, never>;
  readonly #listeners = new Set<() => void>();
  #state: LeaderState<Out> = loading;
  #stop: AbortController | null = null;

  constructor(election: Election<Out, never>) {
    this.#election = election;
  }

  /** The same object until something changes. */
  get state(): LeaderState<Out> {
    return this.#state;
  }

  /** Observes, until the last listener has gone. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#stop === null) {
      this.#stop = new AbortController();
      void this.#observe(this.#stop.signal);
    }
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#stop?.abort();
      this.#stop = null;
    };
  }

  async #observe(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#election.observe({ signal })) {
        const leader = event.kind === 'vacant' ? undefined : { term: event.term, value: event.value };
        this.#set(signal, { status: 'live', leader, error: undefined });
      }
    } catch (error) {
      if (!(error instanceof HaretError)) throw error;
      this.#set(signal, { status: 'failed', leader: this.#state.leader, error });
    }
  }

  #set(signal: AbortSignal, state: LeaderState<Out>): void {
    if (signal.aborted) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener();
  }
}
