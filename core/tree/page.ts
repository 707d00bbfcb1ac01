/** One page of a list. */

import { limitExceeded } from './failure.ts';
import type { Failure } from './failure.ts';
import type { ResultBudget } from './limits.ts';

/** Bytes that a path, a member or an item needs in an answer besides its text or bytes. */
export const pathOverheadBytes = 4;

/** One page. It is full at its limit, or at the end of the budget if it already has an entry. */
export class Page<T> {
  readonly entries: T[] = [];
  more = false;
  failure: Failure | null = null;
  readonly #limit: number;
  readonly #budget: ResultBudget;

  constructor(limit: number, budget: ResultBudget) {
    this.#limit = limit;
    this.#budget = budget;
  }

  /** Returns false when the page was already full. */
  add(entry: T, bytes: number): boolean {
    if (this.entries.length < this.#limit && this.#budget.take(bytes)) {
      this.entries.push(entry);
      return true;
    }
    this.more = true;
    if (this.entries.length === 0)
      this.failure = limitExceeded('maxResultBytes', this.#budget.maxBytes, this.#budget.with(bytes));
    return false;
  }
}
