/**
 * What is wrong with a node, in words for its operator, for `/health`. Faults are this process's own and make it unwell; warnings are
 * what its operator should know and what ending this process would not mend: another node's lost disk, a disk that is nearly full.
 */

export class Problems {
  readonly #faults = new Map<string, string>();
  readonly #warnings = new Map<string, string>();
  /** Faults of replicas that are being rebuilt: they end when the replica is normal again. */
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
  fault(key: string, text: string, passing = false): boolean {
    const news = this.#faults.get(key) !== text;
    this.#faults.set(key, text);
    if (passing) this.#passing.add(key);
    else this.#passing.delete(key);
    return news;
  }

  /** True when this is news. */
  warn(key: string, text: string): boolean {
    const news = this.#warnings.get(key) !== text;
    this.#warnings.set(key, text);
    return news;
  }

  /** A replica is normal again: what was wrong with it only until then is over. */
  normal(key: string): void {
    if (this.#passing.delete(key)) this.#faults.delete(key);
  }

  clear(key: string): void {
    this.#faults.delete(key);
    this.#warnings.delete(key);
    this.#passing.delete(key);
  }
}
