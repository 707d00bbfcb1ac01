/** What a shell holds: locks, permits and offices, until it gives them up or loses them. */

import type { HaretError } from '../base/errors.ts';
import type { ShellHold } from './connection.ts';

/** A shell holds no more than a session may. */
const maxHolds = 1024;

export class Holds {
  readonly #holds: ShellHold[] = [];
  #lost: { readonly path: string; readonly error: HaretError }[] = [];

  get all(): readonly ShellHold[] {
    return this.#holds;
  }

  add(hold: ShellHold): void {
    this.#holds.push(hold);
    hold.onLost((error) => {
      if (this.drop(hold) && this.#lost.length < maxHolds) this.#lost.push({ path: hold.path, error });
    });
  }

  /** It is held no longer from now on as far as this shell goes. Returns false when it was not. */
  drop(hold: ShellHold): boolean {
    const at = this.#holds.indexOf(hold);
    if (at >= 0) this.#holds.splice(at, 1);
    return at >= 0;
  }

  /** The newest hold of a node, which is held no longer from now on as far as this shell goes. */
  take(path: string): ShellHold | null {
    const hold = this.#holds.findLast((one) => one.path === path) ?? null;
    if (hold !== null) this.drop(hold);
    return hold;
  }

  /** The newest hold of a node. */
  of(path: string): ShellHold | null {
    return this.#holds.findLast((one) => one.path === path) ?? null;
  }

  /** What was lost since the last time. */
  takeLost(): readonly { readonly path: string; readonly error: HaretError }[] {
    const taken = this.#lost;
    this.#lost = [];
    return taken;
  }

  /** The namespace was left, and its session with all of them. */
  clear(): void {
    this.#holds.length = 0;
    this.#lost = [];
  }
}
