/**
 * Whether the node at hand gets anything done (protocol §9.9): by what it says of itself, and by what becomes of what is asked. One that answers
 * and has lost its group is left for another.
 */

import type { ErrorCode } from '../base/errors.ts';
import { passing } from './call-table.ts';

/** Nothing but refusals that may pass for so long is an election; and so long each next node is given, at first. */
const patienceMs = 1500;
const maxWaitMs = 8000;

export class Reach {
  /** Since when nothing was served of what was asked. */
  #sinceMs = Infinity;
  /** Too long; or the node says itself that it is cut off; or the one before was, and this one has said nothing yet. */
  #lost = false;
  #told = false;
  #nextMs = 0;
  #waitMs = patienceMs;

  /** Nothing gets done, as far as is known. */
  get lost(): boolean {
    return this.#lost;
  }

  refused(code: ErrorCode, nowMs: number): void {
    if (passing.has(code)) this.#sinceMs = Math.min(this.#sinceMs, nowMs);
  }

  /** Something was done by a quorum. */
  served(): void {
    this.#sinceMs = Infinity;
    this.#waitMs = patienceMs;
    if (!this.#told) this.#lost = false;
  }

  /** The node said how it stands; an answer of `entered` without that says that it is well. */
  told(served: boolean): void {
    this.#told = !served;
    this.#lost = !served;
  }

  /** The node has answered where a namespace is. */
  answered(): void {
    if (!this.#told && this.#sinceMs === Infinity) this.#lost = false;
  }

  /** Another connection. @param asking it is asked where the namespace is, which tells how it stands. */
  moved(asking: boolean): void {
    this.#sinceMs = Infinity;
    this.#told = false;
    this.#lost &&= asking;
  }

  /** True when another node is to be tried. */
  due(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= patienceMs) this.#lost = true;
    if ((!this.#told && this.#sinceMs === Infinity) || !this.#lost || nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#waitMs;
    this.#waitMs = Math.min(2 * this.#waitMs, maxWaitMs);
    return true;
  }
}
