/**
 * Items by number, where numbers are given in rising order and an item leaves soon after it came: calls by id, requests by their number
 * in a session, who waits by token or op.
 *
 * They lie in a ring of slots, in which a number has the slot of its remainder. A Map would do, but an engine's Map leaves a chain of
 * outgrown tables behind, each referring to the next: as soon as one of them has become old, the collector of young objects takes
 * everything that was ever in the later ones for alive. With 100,000 calls a second that was half of a client's time.
 *
 * What may be in at once is for its owner to bound; there are never more slots than four times the most that were.
 */

/** A power of two. */
const fewestSlots = 8;

interface Slot<T> {
  readonly number: number;
  readonly item: T;
}

export class Numbered<T> {
  #slots: (Slot<T> | undefined)[] = [];
  /** The number of slots, a power of two, less one. */
  #mask = fewestSlots - 1;
  /** What had to make room while the numbers went once around: items that stay much longer than most. */
  readonly #staying = new Map<number, T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(number: number): T | undefined {
    const slot = this.#slots[number & this.#mask];
    if (slot?.number === number) return slot.item;
    return this.#staying.size === 0 ? undefined : this.#staying.get(number);
  }

  /** Puts `item` in, or in the place of what has its number. */
  set(number: number, item: T): void {
    if (this.#staying.has(number)) {
      this.#staying.set(number, item);
      return;
    }
    let there = this.#slots[number & this.#mask];
    // One makes room for another only while the slots are many more than the items.
    while (there !== undefined && there.number !== number && this.#size * 2 > this.#mask) {
      const slots = this.#slots;
      this.#mask += this.#mask + 1;
      // Made whole at once: an array that begins with a gap would be a dictionary.
      this.#slots = new Array<Slot<T> | undefined>(this.#mask + 1).fill(undefined);
      for (const slot of slots) if (slot !== undefined) this.#slots[slot.number & this.#mask] = slot;
      there = this.#slots[number & this.#mask];
    }
    if (there?.number !== number) {
      this.#size++;
      if (there !== undefined) this.#staying.set(there.number, there.item);
    }
    this.#slots[number & this.#mask] = { number, item };
  }

  /** Takes the item of this number out. */
  take(number: number): T | undefined {
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

  /** All of them as they are now, in the order of their numbers. */
  entries(): [number: number, item: T][] {
    const all = [...this.#staying];
    for (const slot of this.#slots) if (slot !== undefined) all.push([slot.number, slot.item]);
    return all.sort(([a], [b]) => a - b);
  }

  values(): T[] {
    return this.entries().map(([, item]) => item);
  }
}
