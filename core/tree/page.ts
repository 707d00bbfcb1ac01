/** One page of a list. */

import { limitExceeded, tooMuchWork } from './failure.ts';
import type { Failure } from './failure.ts';
import { maxSteps } from './limits.ts';
import type { ResultBudget } from './limits.ts';

/** Bytes that a path, a member or an item needs in an answer besides its text or bytes. */
export const pathOverheadBytes = 4;

/** What an entry costs: it is looked at, put in, and encoded. */
const stepsOfEntry = 8;

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
    const budget = this.#budget;
    const worked = this.entries.length < this.#limit && budget.work(stepsOfEntry);
    if (worked && budget.take(bytes)) {
      this.entries.push(entry);
      return true;
    }
    this.more = true;
    if (this.entries.length === 0) {
      this.failure = worked
        ? limitExceeded('maxResultBytes', budget.maxBytes, budget.with(bytes))
        : tooMuchWork(maxSteps);
    }
    return false;
  }
}
