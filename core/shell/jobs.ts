/** The jobs that a shell took, until it acknowledges them, gives them back or loses them. */

import type { HaretError } from '../base/errors.ts';
import type { ShellJob } from './connection.ts';

export class Jobs {
  readonly #jobs = new Set<ShellJob>();
  #lost: { readonly path: string; readonly error: HaretError }[] = [];

  add(job: ShellJob): void {
    this.#jobs.add(job);
    job.onLost((error) => {
      // One that was finished is not lost.
      if (this.#jobs.delete(job) && error.code === 'Lost') this.#lost.push({ path: job.path, error });
    });
  }

  /** The job of this item. */
  of(path: string, item: number): ShellJob | null {
    for (const job of this.#jobs) if (job.path === path && job.item === item) return job;
    return null;
  }

  /** What was lost since the last time. */
  takeLost(): readonly { readonly path: string; readonly error: HaretError }[] {
    const taken = this.#lost;
    this.#lost = [];
    return taken;
  }

  /** The namespace was left, and its session with all of them. */
  clear(): void {
    this.#jobs.clear();
    this.#lost = [];
  }
}
