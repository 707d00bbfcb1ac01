/**
 * Whether the node in use gets anything done (protocol §9.9). The node may say so itself, and the outcome of calls
 * shows it. The client leaves a node that answers but has lost its group.
 */

import type { ErrorCode } from '../base/errors.ts';
import { passing } from './call-table.ts';

/**
 * If calls only get refusals that may pass, for longer than this, it is no normal election. At first, each next node is
 * given this long too.
 */
const patienceMs = 1500;
const maxWaitMs = 8000;

export class Reach {
  /** Since when no call was served. */
  #sinceMs = Infinity;
  /**
   * True when that lasted too long, or the node says that it is cut off, or the node before was cut off and this one
   * has said nothing yet.
   */
  #lost = false;
  #told = false;
  #nextMs = 0;
  #waitMs = patienceMs;

  /** True when calls are not served, as far as is known. */
  get lost(): boolean {
    return this.#lost;
  }

  refused(code: ErrorCode, nowMs: number): void {
    if (passing.has(code)) this.#sinceMs = Math.min(this.#sinceMs, nowMs);
  }

  /** A quorum served a call. */
  served(): void {
    this.#sinceMs = Infinity;
    this.#waitMs = patienceMs;
    if (!this.#told) this.#lost = false;
  }

  /** The node reported its standing. If it answers `entered` without such a report, its standing is good. */
  told(served: boolean): void {
    this.#told = !served;
    this.#lost = !served;
  }

  /** The node has answered where a namespace is. */
  answered(): void {
    if (!this.#told && this.#sinceMs === Infinity) this.#lost = false;
  }

  /**
   * There is another connection.
   * @param asking is true when the node is asked where the namespace is, so that it reports its standing.
   */
  moved(asking: boolean): void {
    this.#sinceMs = Infinity;
    this.#told = false;
    this.#lost &&= asking;
  }

  /** True when the client should try another node. */
  due(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= patienceMs) this.#lost = true;
    if ((!this.#told && this.#sinceMs === Infinity) || !this.#lost || nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#waitMs;
    this.#waitMs = Math.min(2 * this.#waitMs, maxWaitMs);
    return true;
  }
}
