/**
 * How far a number that others give may be above one's own (protocol §1, "Judged before believed"). A view rises by one
 * with each election. An election takes a message both ways and a sync, so a group cannot have more elections than
 * milliseconds have passed. A replica cannot know how long it was away, because no clock is trusted. So the jumps in
 * one life of a process may add up to the number of elections in 34 years, plus one for each millisecond of its life.
 *
 * This is live: a replica that was away for less than that catches up with one message. It is sound: a view that was
 * never reached is believed only up to that bound. Someone who sends such views over and over needs eight thousand
 * starts of the process to use up the numbers. Without the bound, one message would be enough.
 */

/** No number that others give is above this. No machine lives long enough to count from here to the end, one by one. */
export const highestNumber = 2 ** 52;

/** In milliseconds, and so in elections: 34 years. */
const away = 2 ** 40;

export class Reach {
  readonly #bornMs: number;
  #taken = 0;

  constructor(nowMs: number) {
    this.#bornMs = nowMs;
  }

  /** Whether a jump from `own` up to `told` is possible. */
  allows(own: number, told: number, nowMs: number): boolean {
    return told <= highestNumber && told - own <= away + (nowMs - this.#bornMs) - this.#taken;
  }

  /** Records the jump. */
  take(own: number, told: number): void {
    this.#taken += told - own;
  }
}
