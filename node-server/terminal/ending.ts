/**
 * What ends a program before its work is done: a signal, or a reader who has left. What it holds and waits for has to be
 * given up first, and a tied program has to end before that.
 */

import { exitStatus } from '../../core/shell/index.ts';
import type { ExitStatus } from '../../core/shell/index.ts';

const statusOf = {
  SIGHUP: exitStatus.hungUp,
  SIGINT: exitStatus.interrupted,
  SIGQUIT: exitStatus.quit,
  SIGTERM: exitStatus.terminated,
} as const;

export const endingSignals = Object.keys(statusOf) as readonly (keyof typeof statusOf)[];

/** True for what a key of the terminal sends to every program that is in front. */
export function isKeyboardSignal(signal: NodeJS.Signals): boolean {
  return signal === 'SIGINT' || signal === 'SIGQUIT';
}

export class Ending {
  readonly #controller = new AbortController();
  status: ExitStatus = exitStatus.done;

  /**
   * @param closed nobody reads any more what this program says.
   * @param ignores says which signals are not meant for this program now.
   */
  constructor(closed: Promise<void>, ignores: (signal: NodeJS.Signals) => boolean) {
    for (const signal of endingSignals) {
      const listen = (): void => {
        if (ignores(signal)) return;
        // A second one ends this process at once, unless a tied program listens too.
        process.off(signal, listen);
        this.#end(statusOf[signal]);
      };
      process.on(signal, listen);
    }
    void closed.then(() => this.#end(exitStatus.done));
  }

  /** Aborts when it is time to end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  #end(status: ExitStatus): void {
    if (this.signal.aborted) return;
    this.status = status;
    this.#controller.abort();
  }

  /** Resolves when it is time to end. Whatever else waits for {@link signal} comes first. */
  get soon(): Promise<ExitStatus> {
    return new Promise((resolve) => {
      const tell = (): void => void setImmediate(() => resolve(this.status));
      if (this.signal.aborted) tell();
      else this.signal.addEventListener('abort', tell, { once: true });
    });
  }
}
