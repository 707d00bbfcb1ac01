/**
 * Who uses how much of a table that all share. One may have as many items as are left for all others. So whoever asks for much leaves room,
 * and those who ask for little find it, however many the greedy ones are.
 */

/** A connection, or the name of a node. */
export type Asker = object | string;

export class Shares {
  readonly #limit: number;
  readonly #held = new Map<Asker, number>();
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a place, if this one may have one more. */
  takes(asker: Asker): boolean {
    const held = this.of(asker);
    if (held >= this.#limit - this.#total) return false;
    this.#held.set(asker, held + 1);
    this.#total++;
    return true;
  }

  gives(asker: Asker): void {
    const left = this.of(asker) - 1;
    this.#total--;
    if (left > 0) this.#held.set(asker, left);
    else this.#held.delete(asker);
  }

  of(asker: Asker): number {
    return this.#held.get(asker) ?? 0;
  }
}
