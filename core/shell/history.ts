/** The lines that were typed: what the `history` command prints and the line editor walks. Where they are kept is the host's part. */

const defaultLimit = 2000;

export class LineHistory {
  readonly #limit: number;
  readonly #lines: string[] = [];
  /** Told of each line that is kept: a host writes it to its file. */
  onAdd: ((line: string) => void) | null = null;

  /** @param limit lines that are kept; the oldest go first. */
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
