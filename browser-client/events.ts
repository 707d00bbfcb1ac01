/** Listeners that cannot hurt whoever calls them. */

/** A set of listeners. What one throws is reported as an uncaught error, and the others are still called. */
export class Listeners<A extends readonly unknown[]> {
  readonly #listeners = new Set<(...args: A) => void>();

  /** What is returned takes the listener out again, and tells whether it was there. */
  add(listener: (...args: A) => void): () => boolean {
    // Wrapped, so that the same function added twice is two listeners.
    const own = (...args: A): void => listener(...args);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  get size(): number {
    return this.#listeners.size;
  }

  emit(...args: A): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
