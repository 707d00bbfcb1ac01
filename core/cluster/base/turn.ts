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
 * Work for clients that a turn does before it lets others in, in steps of some 30 ns. Heartbeats, health and signals come between turns
 * (V37).
 */
const workOfTurn = 250_000;

export class Turn {
  readonly #clock: Clock;
  #replicas = new Set<Flushable>();
  #senders = new Set<Flushable>();
  #scheduled = false;
  #persist: () => void = () => undefined;
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

  /** This turn has done enough for clients. What is left of it waits for a tick. */
  get tired(): boolean {
    return this.#spent >= workOfTurn;
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
    this.#spent = 0;
    if (this.#replicas.size > 0 || this.#senders.size > 0) this.#schedule();
  }
}
