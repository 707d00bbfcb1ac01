/**
 * A seeded generator (sfc32). Everything that core leaves to chance comes from one of these, so a seed repeats a run.
 */

import type { Random } from './ports.ts';

export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** @param seed any integers. The same integers give the same numbers in every runtime. */
  constructor(...seed: readonly number[]) {
    this.#a = (seed[0] ?? 0) | 0;
    this.#b = (seed[1] ?? Math.floor((seed[0] ?? 0) / 0x1_0000_0000)) | 0;
    this.#c = (seed[2] ?? 0x9e3779b9) | 0;
    this.#counter = 1;
    for (let i = 0; i < 16; i++) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  below(limit: number): number {
    // Rejection keeps all values equally likely and the arithmetic in integers.
    if (limit > 0x1_0000_0000) {
      const high = this.below(Math.ceil(limit / 0x1_0000_0000));
      const value = high * 0x1_0000_0000 + this.uint32();
      return value < limit ? value : this.below(limit);
    }
    const bound = 0x1_0000_0000 - (0x1_0000_0000 % limit);
    for (;;) {
      const value = this.uint32();
      if (value < bound) return value % limit;
    }
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.uint32() & 255;
    return bytes;
  }

  /** A new generator, so that one part's use of chance does not shift another's. */
  fork(): SeededRandom {
    return new SeededRandom(this.uint32(), this.uint32(), this.uint32());
  }

  /** True in `numerator` of `denominator` cases. */
  chance(numerator: number, denominator: number): boolean {
    return this.below(denominator) < numerator;
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
