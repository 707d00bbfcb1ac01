/** `numbered.ts` for pages, which load less and make fewer calls. A Map is fast enough there. */

export class Numbered<T, N extends number = number> {
  readonly #items = new Map<N, T>();

  get size(): number {
    return this.#items.size;
  }

  get(number: N): T | undefined {
    return this.#items.get(number);
  }

  set(number: N, item: T): void {
    this.#items.set(number, item);
  }

  take(number: N): T | undefined {
    const item = this.get(number);
    this.#items.delete(number);
    return item;
  }

  clear(): void {
    this.#items.clear();
  }

  entries(): [number: N, item: T][] {
    return [...this.#items].sort(([a], [b]) => a - b);
  }

  values(): T[] {
    return this.entries().map(([, item]) => item);
  }
}
