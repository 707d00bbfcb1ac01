/** Those who entered a namespace and wait until it is known where: here, or at the node of the primary, if the move there succeeds. */

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
  /** Until then a move is waited for. */
  readonly deadlineMs: number;
  readonly done: (result: Result<Entered>) => void;
}

export class Arrivals {
  #waiting: Arrival[] = [];

  add(arrival: Arrival): void {
    this.#waiting.push(arrival);
  }

  /**
   * The client stays at `apiAddress`; `redirected`: it moved there.
   * @param untilMs only those whose time is over by then: a move goes on behind whoever cannot wait for it.
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

  /** Whoever asked with `done` waits no longer. */
  abandon(done: Arrival['done']): void {
    this.#end((arrival) => (arrival.done === done ? fail('Interrupted', abandoned, {}, 'definite') : null));
  }

  close(): void {
    this.#end(() => fail('Closed', 'the client was closed'));
  }

  /** Those for whom there is a result have it; the others go on waiting. */
  #end(resultOf: (arrival: Arrival) => Result<Entered> | null): void {
    for (const arrival of this.#waiting.splice(0)) {
      const result = resultOf(arrival);
      if (result === null) this.#waiting.push(arrival);
      else arrival.done(result);
    }
  }
}
