/**
 * One turn of the node, in which everything that arrived together is handled together. First, every replica with news
 * flushes, and so do the replicas that their messages woke on this node. Then everything that was written for peers and
 * clients is sent, one frame for each link.
 */

import type { Clock } from '../../base/ports.ts';

export interface Flushable {
  flush(): void;
}

/**
 * Replicas of one group on one node answer each other within a turn. After this many rounds the rest waits for the next
 * turn.
 */
const maxRounds = 16;

/**
 * Work for clients, in steps of some 30 ns. When so much was done at once, what is left waits: heartbeats, health and signals come first
 * (V37).
 */
const workAtOnce = 250_000;
/** When so much was done, those who asked for little wait as well: many of them together could ask for much. */
const workAtMost = 1_000_000;
/** How much of it each tick makes good. Ticks and not time, because on a slow machine the same work takes longer. */
const workOfTick = 200_000;

export class Turn {
  readonly #clock: Clock;
  #replicas = new Set<Flushable>();
  #senders = new Set<Flushable>();
  #scheduled = false;
  #persist: () => void = () => undefined;
  /** Ticks so far. */
  ticks = 0;
  /** Work that ticks have not made good yet. */
  #spent = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The monotonic time of an input, in milliseconds. */
  now(): number {
    return this.#clock.now();
  }

  /**
   * Sets the function that writes everything that replicas gave the store in a turn as one batch (architecture §2, "One
   * sync for all").
   */
  persistBy(flush: () => void): void {
    this.#persist = flush;
  }

  /** Counts work that was done for clients. */
  spend(steps: number): void {
    this.#spent += steps;
  }

  /** A tick begins. */
  rest(): void {
    this.ticks++;
    this.#spent = Math.max(0, this.#spent - workOfTick);
  }

  /** Enough was done for clients for now. The rest waits for a tick, but for those who asked for little. */
  get tired(): boolean {
    return this.#spent >= workAtOnce;
  }

  /** Nothing more is done for any client until a tick. */
  get exhausted(): boolean {
    return this.#spent >= workAtMost;
  }

  /** Schedules a replica that has inputs which were not flushed. */
  wake(replica: Flushable): void {
    this.#replicas.add(replica);
    this.#schedule();
  }

  /** Schedules a sender that has messages which were not sent. */
  sendLater(sender: Flushable): void {
    this.#senders.add(sender);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    for (let round = 0; round < maxRounds && this.#replicas.size > 0; round++) {
      const awake = this.#replicas;
      this.#replicas = new Set();
      for (const replica of awake) replica.flush();
    }
    // The disk gets its work at the same time as the sockets, so that they work in parallel.
    this.#persist();
    const senders = this.#senders;
    this.#senders = new Set();
    for (const sender of senders) sender.flush();
    if (this.#replicas.size > 0 || this.#senders.size > 0) this.#schedule();
  }
}
