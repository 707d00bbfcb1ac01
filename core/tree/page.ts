/** One page of what a read lists. */

import { limitExceeded } from './failure.ts';
import type { Failure } from './failure.ts';
import type { ResultBudget } from './limits.ts';

/** What a path, a member or an item costs in an answer besides its text or bytes. */
export const pathOverheadBytes = 4;

/** One page: it is full at its limit, or where the budget ends as long as there is something in it. */
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

  /** False when the page was full before. */
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
