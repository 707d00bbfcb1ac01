/**
 * What is wrong with a node, in words for its operator, for `/health`. A fault is what a restart may mend, and makes the process
 * unwell (503). A warning is what its operator should know and what a restart would not mend: a lost log, another node's disk, a disk that
 * is nearly full.
 */

export class Problems {
  readonly #faults = new Map<string, string>();
  readonly #warnings = new Map<string, string>();
  /** Warnings of replicas that are being rebuilt: they end when the replica is normal again. */
  readonly #passing = new Set<string>();

  get well(): boolean {
    return this.#faults.size === 0;
  }

  /** Everything that is wrong, the faults first. */
  get texts(): readonly string[] {
    return [...this.#faults.values(), ...this.#warnings.values()];
  }

  has(key: string): boolean {
    return this.#faults.has(key) || this.#warnings.has(key);
  }

  /** True when this is news. */
  fault(key: string, text: string): boolean {
    const news = this.#faults.get(key) !== text;
    this.#faults.set(key, text);
    return news;
  }

  /** True when this is news. */
  warn(key: string, text: string, passing = false): boolean {
    const news = this.#warnings.get(key) !== text;
    this.#warnings.set(key, text);
    if (passing) this.#passing.add(key);
    else this.#passing.delete(key);
    return news;
  }

  /** A replica is normal again: what was wrong with it only until then is over. */
  normal(key: string): void {
    if (this.#passing.delete(key)) this.#warnings.delete(key);
  }

  clear(key: string): void {
    this.#faults.delete(key);
    this.#warnings.delete(key);
    this.#passing.delete(key);
  }
}
