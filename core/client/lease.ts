/**
 * How long a client may count on what its session holds (coordination §5). Each answer that carries the replicated clock
 * gives a pair: when its message was first sent, and what the clock was when it was executed, which was later. From then
 * on the clock grew by no more than the real time. So a replicated deadline has surely not passed while less time than
 * that, less a margin, went by here.
 */

import type { Clock } from '../base/ports.ts';

/** For the rates of two monotonic clocks. */
const margin = 0.01;

export class Lease {
  /** How long the session lives without a sign of life. */
  ms: number;
  readonly #clock: Clock;
  /** The best pair, as the local time at which the replicated clock would be 0. */
  #zeroMs = -Infinity;
  /** The replicated time of the last renewal that counts. */
  #renewed = -Infinity;
  /** What was sent before this may have been sent before the machine slept. */
  #awakeMs = -Infinity;
  #lookedMs: number;
  #wallMs: number;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.ms = ms;
    this.#lookedMs = clock.now();
    this.#wallMs = this.#wall(this.#lookedMs);
  }

  #wall(nowMs: number): number {
    return this.#clock.wall?.() ?? nowMs;
  }

  /**
   * For how many milliseconds the session is surely not due. It is 0 or less when that is not known. Must be asked before
   * anything else, because it also sees that the machine slept while the monotonic clock stood still.
   */
  left(): number {
    const now = this.#clock.now();
    const wall = this.#wall(now);
    const sleptMs = wall - this.#wallMs - (now - this.#lookedMs);
    if (sleptMs > (this.ms * margin) / 4) {
      this.#zeroMs -= sleptMs;
      this.#awakeMs = now;
    }
    this.#lookedMs = now;
    this.#wallMs = wall;
    return this.#zeroMs + (1 - margin) * (this.#renewed + this.ms) - now;
  }

  /** For how many milliseconds a replicated time has surely not come. {@link left} was asked just before. */
  leftUntil(until: number): number {
    return this.#zeroMs + (1 - margin) * until - this.#lookedMs;
  }

  /** An answer came to what was first sent at `sentAtMs`. @param clock the replicated clock when it was executed. */
  answered(sentAtMs: number, clock: number): void {
    if (sentAtMs >= this.#awakeMs) this.#zeroMs = Math.max(this.#zeroMs, sentAtMs - (1 - margin) * clock);
  }

  /** The session was renewed at `clock`, and everything that happened to it before that is known. */
  renew(clock: number): void {
    this.#renewed = Math.max(this.#renewed, clock);
  }

  /** Another session begins. Nothing is known of it. */
  reset(): void {
    this.#zeroMs = this.#renewed = -Infinity;
  }
}
