/** Listeners whose errors do not reach the code that calls them. */

/** A set of listeners. An error that one throws is reported as an uncaught error, and the others are still called. */
export class Listeners<A extends readonly unknown[]> {
  readonly #listeners = new Set<(...args: A) => void>();

  /** Adds a listener. The returned function removes it, and says whether it was still there. */
  add(listener: (...args: A) => void): () => boolean {
    // It is wrapped, so that the same function added twice counts as two listeners.
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
