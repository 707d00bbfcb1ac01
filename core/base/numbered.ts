/**
 * Items by number. Numbers are given in rising order, and an item leaves soon after it came. It holds calls by id,
 * requests by their number in a session, and waiters by token or op.
 *
 * The items lie in a ring of slots. The number modulo the size of the ring gives the slot. A Map would do, but an
 * engine's Map leaves a chain of outgrown tables, each of which refers to the next. Once one of them is old, the
 * collector of young objects treats everything that was ever in the later ones as alive. At 100,000 calls a second that
 * took half of a client's time.
 *
 * The owner bounds how many items may be in at once. There are at most four times as many slots as there ever were
 * items.
 */

/** A power of two. */
const fewestSlots = 8;

interface Slot<T, N> {
  readonly number: N;
  readonly item: T;
}

/** `N` says what the numbers are. */
export class Numbered<T, N extends number = number> {
  #slots: (Slot<T, N> | undefined)[] = [];
  /** The number of slots, a power of two, less one. */
  #mask = fewestSlots - 1;
  /** Items that had to make room when the numbers had gone once around the ring. They stay much longer than most. */
  readonly #staying = new Map<N, T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(number: N): T | undefined {
    const slot = this.#slots[number & this.#mask];
    if (slot?.number === number) return slot.item;
    return this.#staying.size === 0 ? undefined : this.#staying.get(number);
  }

  /** Puts `item` in, and replaces the item that has its number. */
  set(number: N, item: T): void {
    if (this.#staying.has(number)) {
      this.#staying.set(number, item);
      return;
    }
    let there = this.#slots[number & this.#mask];
    // An item moves aside for another only while there are many more slots than items. Otherwise the ring doubles.
    while (there !== undefined && there.number !== number && this.#size * 2 > this.#mask) {
      const slots = this.#slots;
      this.#mask += this.#mask + 1;
      // Filled at once, because the engine would store an array that begins with a gap as a dictionary.
      this.#slots = new Array<Slot<T, N> | undefined>(this.#mask + 1).fill(undefined);
      for (const slot of slots) if (slot !== undefined) this.#slots[slot.number & this.#mask] = slot;
      there = this.#slots[number & this.#mask];
    }
    if (there?.number !== number) {
      this.#size++;
      if (there !== undefined) this.#staying.set(there.number, there.item);
    }
    this.#slots[number & this.#mask] = { number, item };
  }

  /** Removes the item of this number and returns it. */
  take(number: N): T | undefined {
    const item = this.get(number);
    if (item === undefined) return undefined;
    this.#size--;
    if (this.#staying.size === 0 || !this.#staying.delete(number)) this.#slots[number & this.#mask] = undefined;
    return item;
  }

  clear(): void {
    this.#slots = [];
    this.#mask = fewestSlots - 1;
    this.#staying.clear();
    this.#size = 0;
  }

  /** All items as they are now, in the order of their numbers. */
  entries(): [number: N, item: T][] {
    const all = [...this.#staying];
    for (const slot of this.#slots) if (slot !== undefined) all.push([slot.number, slot.item]);
    return all.sort(([a], [b]) => a - b);
  }

  values(): T[] {
    return this.entries().map(([, item]) => item);
  }
}
