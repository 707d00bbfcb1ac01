/**
 * The lines that were typed. The `history` command prints them and the line editor walks them. The host decides where
 * they are stored.
 */

const defaultLimit = 2000;

export class LineHistory {
  readonly #limit: number;
  readonly #lines: string[] = [];
  /** Is called with each line that is kept, so that a host can write it to a file. */
  onAdd: ((line: string) => void) | null = null;

  /** @param limit how many lines are kept. The oldest go first. */
  constructor(limit: number = defaultLimit) {
    this.#limit = limit;
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Keeps a line, unless it is empty or repeats the one before. */
  add(line: string): boolean {
    const trimmed = line.trim();
    if (trimmed === '' || this.#lines.at(-1) === trimmed) return false;
    this.#lines.push(trimmed);
    if (this.#lines.length > this.#limit) this.#lines.shift();
    this.onAdd?.(trimmed);
    return true;
  }
}
