/**
 * How far a number that others tell may lie above one's own (protocol §1, "Judged before believed"). A view rises by one an election,
 * and an election takes a message both ways and a sync, so that a group cannot have more of them than milliseconds have passed. How
 * long a replica was away it cannot know, for no clock is trusted. So the jumps of one life of a process may add up to what elections
 * reach in 34 years, and to one a millisecond that it has lived since.
 *
 * That is live: whoever was away for less than that catches up, with one message. It is sound: a view that was never reached is
 * believed up to there at most, and whoever tells such views over and over needs eight thousand starts of the process to bring the
 * numbers to their end, where one message was enough.
 */

/** Nothing that is told is above it. What is counted up from there by one finds its end in no life of a machine. */
export const highestNumber = 2 ** 52;

/** In milliseconds, and so in elections: 34 years. */
const away = 2 ** 40;

export class Reach {
  readonly #bornMs: number;
  #taken = 0;

  constructor(nowMs: number) {
    this.#bornMs = nowMs;
  }

  /** Whether a jump from `own` up to `told` can have happened. */
  allows(own: number, told: number, nowMs: number): boolean {
    return told <= highestNumber && told - own <= away + (nowMs - this.#bornMs) - this.#taken;
  }

  /** The jump is made. */
  take(own: number, told: number): void {
    this.#taken += told - own;
  }
}
