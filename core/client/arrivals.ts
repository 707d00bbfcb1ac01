/**
 * Calls of `enter` that were answered and wait to know where the client will be: at this node, or at the primary's node
 * if the move there succeeds.
 */

import type { Result } from '../base/errors.ts';
import { fail, ok } from '../base/errors.ts';
import type { Incoming } from '../wire/server-messages.ts';
import type { Entered } from './options.ts';

export type EnteredMessage = Extract<Incoming, { kind: 'entered' }>;

const abandoned = 'the call was abandoned';

/** An `enter` that is answered. */
export interface Arrival {
  readonly message: EnteredMessage;
  readonly namespace: string;
  /** How long it waits for a move. */
  readonly deadlineMs: number;
  readonly done: (result: Result<Entered>) => void;
}

export class Arrivals {
  #waiting: Arrival[] = [];

  add(arrival: Arrival): void {
    this.#waiting.push(arrival);
  }

  /**
   * Ends the waiting calls. The client stays at `apiAddress`. `redirected` is true when it moved there.
   * @param untilMs ends only the calls whose deadline is at most this. The move goes on for the others.
   */
  arrived(apiAddress: string, redirected: boolean, untilMs = Infinity): void {
    this.#end(({ message, namespace, deadlineMs }) => {
      if (deadlineMs > untilMs) return null;
      const { namespaceId, epoch, view, primary } = message;
      const moved = redirected && primary?.apiAddress === apiAddress;
      const here = message.here || moved;
      return ok({ namespace, namespaceId, epoch, view, primary, here, redirected: moved, apiAddress });
    });
  }

  /** Ends the call that was made with `done`. */
  abandon(done: Arrival['done']): void {
    this.#end((arrival) => (arrival.done === done ? fail('Interrupted', abandoned, {}, 'definite') : null));
  }

  close(): void {
    this.#end(() => fail('Closed', 'the client was closed'));
  }

  /** Ends the calls for which there is a result. The others go on waiting. */
  #end(resultOf: (arrival: Arrival) => Result<Entered> | null): void {
    for (const arrival of this.#waiting.splice(0)) {
      const result = resultOf(arrival);
      if (result === null) this.#waiting.push(arrival);
      else arrival.done(result);
    }
  }
}
