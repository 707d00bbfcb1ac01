/** Items by number in a Map: no page makes so many calls a second that it matters what that leaves behind. */

export class Numbered<T> {
  readonly #items = new Map<number, T>();

  get size(): number {
    return this.#items.size;
  }

  get(number: number): T | undefined {
    return this.#items.get(number);
  }

  set(number: number, item: T): void {
    this.#items.set(number, item);
  }

  take(number: number): T | undefined {
    const item = this.get(number);
    this.#items.delete(number);
    return item;
  }

  clear(): void {
    this.#items.clear();
  }

  values(): T[] {
    return [...this.#items].sort(([a], [b]) => a - b).map(([, item]) => item);
  }
}
