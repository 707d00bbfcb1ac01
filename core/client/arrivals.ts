/** Those who entered a namespace and wait until it is known where: here, or at the node of the primary, if the move there succeeds. */

import type { Result } from '../base/errors.ts';
import { fail, ok } from '../base/errors.ts';
import type { Told } from '../wire/told.ts';
import type { Entered } from './options.ts';

export type EnteredMessage = Extract<Told, { kind: 'entered' }>;

/** An `enter` that is answered. */
interface Arrival {
  readonly message: EnteredMessage;
  readonly namespace: string;
  readonly done: (result: Result<Entered>) => void;
}

export class Arrivals {
  #waiting: Arrival[] = [];

  add(namespace: string, message: EnteredMessage, done: (result: Result<Entered>) => void): void {
    this.#waiting.push({ message, namespace, done });
  }

  /** The client stays at `apiAddress`; `redirected`: it moved there. */
  arrived(apiAddress: string, redirected: boolean): void {
    for (const { message, namespace, done } of this.#waiting.splice(0)) {
      const { namespaceId, epoch, view, primary } = message;
      const moved = redirected && primary?.apiAddress === apiAddress;
      const here = message.here || moved;
      done(ok({ namespace, namespaceId, epoch, view, primary, here, redirected: moved, apiAddress }));
    }
  }

  close(): void {
    for (const { done } of this.#waiting.splice(0)) done(fail('Closed', 'the client was closed'));
  }
}
