/**
 * Items by number, where numbers are given in rising order and an item leaves soon after it came: calls by id, requests by their number
 * in a session, who waits by token or op.
 *
 * They lie in a ring of slots, in which a number has the slot of its remainder. A Map would do, but an engine's Map leaves a chain of
 * outgrown tables behind, each referring to the next: as soon as one of them has become old, the collector of young objects takes
 * everything that was ever in the later ones for alive. With 100,000 calls a second that was half of a client's time.
 */

/** A power of two, as every number of slots. */
const fewestSlots = 8;

export class Numbered<T> {
  #slots: (T | undefined)[] = [];
  /** Whose slot it is; of a slot that is empty, whose it was. */
  #numbers: number[] = [];
  /** What had to make room while the numbers went once around: items that stay much longer than most. */
  readonly #staying = new Map<number, T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(number: number): T | undefined {
    const at = this.#slotOf(number);
    if (this.#numbers[at] === number && this.#slots[at] !== undefined) return this.#slots[at];
    return this.#staying.size === 0 ? undefined : this.#staying.get(number);
  }

  /** Puts `item` in, or in the place of what has its number. */
  set(number: number, item: T): void {
    if (this.#staying.has(number)) {
      this.#staying.set(number, item);
      return;
    }
    // Slots are taken by others only while they are many more than the items.
    while (this.#size * 2 >= this.#slots.length && this.#isTaken(number)) this.#grow();
    if (this.#slots.length === 0) this.#grow();
    const at = this.#slotOf(number);
    const there = this.#slots[at];
    if (there === undefined) this.#size++;
    else if (this.#numbers[at] !== number) {
      this.#staying.set(this.#numbers[at]!, there);
      this.#size++;
    }
    this.#slots[at] = item;
    this.#numbers[at] = number;
  }

  /** Takes the item of this number out. */
  take(number: number): T | undefined {
    const at = this.#slotOf(number);
    let item = this.#slots[at];
    if (item !== undefined && this.#numbers[at] === number) {
      this.#slots[at] = undefined;
    } else {
      if (this.#staying.size === 0) return undefined;
      item = this.#staying.get(number);
      if (!this.#staying.delete(number)) return undefined;
    }
    this.#size--;
    return item;
  }

  clear(): void {
    this.#slots = [];
    this.#numbers = [];
    this.#staying.clear();
    this.#size = 0;
  }

  /** All of them as they are now, in the order of their numbers. */
  entries(): [number: number, item: T][] {
    const all: [number, T][] = [...this.#staying];
    this.#slots.forEach((item, at) => {
      if (item !== undefined) all.push([this.#numbers[at]!, item]);
    });
    return all.sort(([a], [b]) => a - b);
  }

  values(): T[] {
    return this.entries().map(([, item]) => item);
  }

  #slotOf(number: number): number {
    return number & (this.#slots.length - 1);
  }

  #isTaken(number: number): boolean {
    const at = this.#slotOf(number);
    return this.#slots[at] !== undefined && this.#numbers[at] !== number;
  }

  #grow(): void {
    const slots = this.#slots;
    const numbers = this.#numbers;
    const count = Math.max(fewestSlots, slots.length * 2);
    this.#slots = new Array<undefined>(count).fill(undefined);
    this.#numbers = new Array<number>(count).fill(0);
    slots.forEach((item, at) => {
      if (item === undefined) return;
      const to = this.#slotOf(numbers[at]!);
      this.#slots[to] = item;
      this.#numbers[to] = numbers[at]!;
    });
  }
}
