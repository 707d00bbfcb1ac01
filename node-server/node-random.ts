/**
 * The `Random` port of a process. It is unpredictable, because incarnations and cluster ids are drawn from it (protocol
 * §2).
 */

import { randomBytes } from 'node:crypto';
import { SeededRandom } from '../core/base/random.ts';
import type { Random } from '../core/base/ports.ts';

/**
 * Bytes become identities, so each comes from the system. Numbers only spread time-outs, so they come from a generator
 * that the system seeded.
 */
export class NodeRandom implements Random {
  readonly #numbers: SeededRandom;

  constructor() {
    const seed = randomBytes(12);
    this.#numbers = new SeededRandom(seed.readInt32LE(0), seed.readInt32LE(4), seed.readInt32LE(8));
  }

  uint32(): number {
    return this.#numbers.uint32();
  }

  below(limit: number): number {
    return this.#numbers.below(limit);
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(randomBytes(count));
  }
}
