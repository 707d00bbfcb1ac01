/**
 * What is wrong with a node, in words for its operator, for `/health`. A restart may mend a fault, and a fault makes
 * the process unhealthy (503). A restart would not mend a warning, but the operator should know of it: a lost log,
 * another node's disk, or a disk that is nearly full.
 */

export class Problems {
  readonly #faults = new Map<string, string>();
  readonly #warnings = new Map<string, string>();
  /** Warnings of replicas that are being rebuilt. They end when the replica is normal again. */
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

  /** Returns true when this is new. */
  fault(key: string, text: string): boolean {
    const news = this.#faults.get(key) !== text;
    this.#faults.set(key, text);
    return news;
  }

  /** Returns true when this is new. */
  warn(key: string, text: string, passing = false): boolean {
    const news = this.#warnings.get(key) !== text;
    this.#warnings.set(key, text);
    if (passing) this.#passing.add(key);
    else this.#passing.delete(key);
    return news;
  }

  /** Ends the warnings of a replica that is normal again. */
  normal(key: string): void {
    if (this.#passing.delete(key)) this.#warnings.delete(key);
  }

  clear(key: string): void {
    this.#faults.delete(key);
    this.#warnings.delete(key);
    this.#passing.delete(key);
  }
}
