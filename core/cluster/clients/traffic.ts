/**
 * The bytes of clients that a node holds. Some were asked and have no answer yet. Others were answered and have not been read yet. Each
 * connection has a share, and all connections together have one (architecture §2). A connection that has asked too much is not read from
 * until answers have left. Reads are answered only as fast as the socket takes the answers. A client that takes nothing for long is closed.
 */

import type { Link } from '../../base/ports.ts';
import type { Turn } from '../base/turn.ts';

const kibi = 1024;
const mebi = 1024 * kibi;

/** Bytes of one connection's requests that have no answer yet. Beyond it, the connection is not read from. */
const askedByOne = 4 * mebi;
/** The same for all connections. It is a part of `maxPendingBytes`, because several nodes forward to one primary. */
const askedByAll = 16 * mebi;
/** What a request costs beside the bytes of its operation. */
const askedOverhead = 256;
/** Bytes of answers on their way to one client. Beyond it, its reads wait. */
const answeredToOne = 4 * mebi;
/** The same for all clients. */
const answeredToAll = 256 * mebi;
/**
 * A connection with less than this, asked or answered, is no concern of others. It is served although all together have
 * reached a bound, so that nobody can use up what is there for everyone.
 */
const ownShare = 64 * kibi;
/**
 * Work that was done for one connection lately, in steps of a turn (`core/cluster/base/turn.ts`). With less than this, it is served even when
 * the node has done enough for clients. Those who asked for much wait for themselves, and others do not wait for them.
 */
const ownWork = 100_000;
/** Half of what was done for a connection is forgotten every so many ticks. */
const forgetfulTicks = 512;
/** Answers that waited are made in portions, so that a tick stays short. */
const madeATick = 16 * mebi;

export interface FlowParts {
  readonly link: Link;
  /** At so many bytes the connection is closed, even if it reads. */
  readonly maxQueuedBytes: number;
  /** Closes the connection, because the client does not read. */
  readonly cutOff: () => void;
  /** Messages that came in and are not worked on yet. */
  readonly backlog: () => number;
  /** Works on them, as far as there is room. */
  readonly proceed: () => void;
}

/** Whoever waits for an answer that has no room. */
export interface Waiting {
  deliver(reply: Uint8Array): void;
}

interface Held {
  readonly waiting: Waiting;
  readonly make: () => Uint8Array;
  /** Of an answer that is made already. */
  readonly bytes: number;
}

/** One connection's share. */
export class Flow {
  readonly #traffic: Traffic;
  readonly #parts: FlowParts;
  readonly #room: number;
  /** Reads that wait for room, oldest first. Each keeps the state as it was when its turn came. */
  #held: Held[] = [];
  #firstHeld = 0;
  /** Bytes of answers among them. */
  #kept = 0;
  #asked = 0;
  #paused = false;
  /** Bytes on their way out. Between two looks at the link, it is an upper bound. */
  #outgoing = 0;
  /** What a tick saw last, and when the client was last seen to take something. Null while nothing waits. */
  #seen: { readonly outgoing: number; readonly taken: number } | null = null;
  #progressAt = 0;
  /** Work that was done for it and is not forgotten, as of the tick `#forgotAt`. */
  #lately = 0;
  #forgotAt = 0;
  #closed = false;

  constructor(traffic: Traffic, parts: FlowParts) {
    this.#traffic = traffic;
    this.#parts = parts;
    this.#room = Math.min(answeredToOne, parts.maxQueuedBytes / 2);
  }

  /** Bytes on their way out, and those that wait for them. */
  get outgoing(): number {
    return this.#outgoing + this.#kept;
  }

  /** Reads that wait for room. */
  get held(): number {
    return this.#held.length - this.#firstHeld;
  }

  /** A request came in. */
  asked(bytes: number): void {
    this.#asked += bytes + askedOverhead;
    this.#traffic.asked += bytes + askedOverhead;
    if (this.#paused || this.#asked <= ownShare) return;
    if (this.#asked > askedByOne || this.#traffic.asked > askedByAll) this.#pause(true);
  }

  /** The same request has its answer. */
  answered(bytes: number): void {
    if (this.#closed) return;
    this.#asked -= bytes + askedOverhead;
    this.#traffic.asked -= bytes + askedOverhead;
    if (this.#paused) this.resumeIfDue();
  }

  /** Messages wait for room, so nothing more is read. */
  backlogged(): void {
    this.#traffic.look(this);
    if (!this.#paused) this.#pause(true);
  }

  /** Reads from the connection again when its share has been answered by half, and that of all by a quarter. */
  resumeIfDue(): void {
    if (this.#parts.backlog() > 0) return;
    const small = this.#asked <= ownShare;
    if (small || (this.#asked <= askedByOne / 2 && this.#traffic.asked <= askedByAll * 0.75)) this.#pause(false);
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    const { link } = this.#parts;
    if (paused) link.pause?.();
    else link.resume?.();
    this.#traffic.paused(this, paused);
  }

  /** Bytes of an answer or of a watch were handed to the link's queue. */
  sent(bytes: number): void {
    this.#outgoing += bytes;
    this.#traffic.outgoing += bytes;
  }

  /** The turn is over, and the link has all that was sent. */
  turned(): void {
    this.#outgoing = this.#parts.link.buffered();
    if (this.#outgoing > ownShare) this.#traffic.look(this);
  }

  /** There is room for answers. @param most of this connection alone, in bytes. */
  hasRoom(most: number = this.#room): boolean {
    if (this.#closed || this.held > 0 || this.#outgoing >= most) return false;
    return this.#outgoing < ownShare || this.#traffic.outgoing < answeredToAll;
  }

  /** Counts work that was done for this client. */
  spend(steps: number): void {
    this.#lately += steps;
    this.#traffic.turn.spend(steps);
  }

  /** Work that was done for this client in the last seconds. */
  get lately(): number {
    const { ticks } = this.#traffic.turn;
    if (ticks !== this.#forgotAt) {
      this.#lately /= 2 ** (Math.floor(ticks / forgetfulTicks) - Math.floor(this.#forgotAt / forgetfulTicks));
      this.#forgotAt = ticks;
    }
    return this.#lately;
  }

  /** The node has done enough for clients for now. Whoever asked for little waits only when it can do nothing more at all. */
  get waits(): boolean {
    const { turn } = this.#traffic;
    return turn.tired && (turn.exhausted || this.lately >= ownWork);
  }

  /** There is room, and more may be done for this client now. */
  get ready(): boolean {
    return this.hasRoom() && !this.waits;
  }

  /** Keeps a read until there is room for its answer. For a connection that is closed, it is dropped. */
  hold(waiting: Waiting, make: () => Uint8Array): void {
    this.#hold({ waiting, make, bytes: 0 });
  }

  /** Keeps an answer that another node has made. Where there is no room for more of them, the connection is closed. */
  keep(waiting: Waiting, reply: Uint8Array): void {
    if (this.#traffic.outgoing + reply.length > answeredToAll) return this.#parts.cutOff();
    this.#traffic.outgoing += reply.length;
    this.#kept += reply.length;
    this.#hold({ waiting, make: () => reply, bytes: reply.length });
  }

  #hold(held: Held): void {
    if (this.#closed) return;
    this.#held.push(held);
    this.#traffic.look(this);
  }

  /** Makes answers that waited, at most `budget` bytes and as much as there is room for. Returns how many bytes it made. */
  #make(budget: number): number {
    let made = 0;
    while (this.held > 0 && made < budget && this.#outgoing < this.#room && !this.waits && !this.#closed) {
      const { waiting, make, bytes } = this.#held[this.#firstHeld++]!;
      const reply = make();
      made += reply.length;
      this.#kept -= bytes;
      waiting.deliver(reply);
    }
    if (this.held === 0) {
      this.#held = [];
      this.#firstHeld = 0;
    }
    return made;
  }

  /** Returns how many bytes of answers were made. @param patienceMs after which a client that takes nothing is closed. */
  tick(nowMs: number, budget: number, patienceMs: number): number {
    this.#outgoing = this.#parts.link.buffered();
    if (this.#takes()) this.#progressAt = nowMs;
    if (nowMs - this.#progressAt >= patienceMs) {
      this.#parts.cutOff();
      return 0;
    }
    const made = this.#make(budget);
    if (this.#parts.backlog() > 0 && this.ready) this.#parts.proceed();
    this.#seen = { outgoing: this.#outgoing, taken: this.#taken };
    return made;
  }

  /** The client took something since the last tick, or has nothing to take. */
  #takes(): boolean {
    const seen = this.#seen;
    if (seen === null || this.#outgoing === 0) return true;
    return this.#taken > seen.taken || this.#outgoing < seen.outgoing;
  }

  get #taken(): number {
    return this.#parts.link.taken?.() ?? 0;
  }

  /** Nothing waits here any more, so that the next wait is counted anew. */
  get idle(): boolean {
    if (this.#closed) return true;
    if (this.held > 0 || this.#outgoing > ownShare || this.#parts.backlog() > 0) return false;
    this.#seen = null;
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#traffic.asked -= this.#asked;
    this.#traffic.leave(this);
    this.#held = [];
    this.#firstHeld = 0;
  }
}

export type Work = Pick<Turn, 'ticks' | 'spend' | 'tired' | 'exhausted'>;

/** What all connections of a node share. */
export class Traffic {
  /** Bytes of all requests that have no answer yet. */
  asked = 0;
  /** Bytes of all answers that are on their way. Between two ticks, it is an upper bound. */
  outgoing = 0;
  /** Counts what is done for clients. */
  readonly turn: Work;
  readonly #patienceMs: number;
  /** Connections that have much on its way, or something that waits. Those that were served last come last. */
  readonly #busy = new Set<Flow>();
  readonly #paused = new Set<Flow>();

  /** @param patienceMs after which a client that takes nothing is closed. */
  constructor(patienceMs: number, turn: Work) {
    this.#patienceMs = patienceMs;
    this.turn = turn;
  }

  /** Reads that wait until their clients have taken earlier answers. */
  get held(): number {
    let held = 0;
    for (const flow of this.#busy) held += flow.held;
    return held;
  }

  /** Connections that are not read from now. */
  get unread(): number {
    return this.#paused.size;
  }

  look(flow: Flow): void {
    this.#busy.add(flow);
  }

  paused(flow: Flow, paused: boolean): void {
    if (paused) this.#paused.add(flow);
    else this.#paused.delete(flow);
  }

  leave(flow: Flow): void {
    this.#busy.delete(flow);
    this.#paused.delete(flow);
  }

  tick(nowMs: number): void {
    for (const flow of this.#paused) flow.resumeIfDue();
    let left = madeATick;
    let outgoing = 0;
    // Those for whom least was done lately come first, and among them those who have waited longest.
    for (const flow of [...this.#busy].sort((a, b) => a.lately - b.lately)) {
      const full = this.outgoing >= answeredToAll;
      const rested = !flow.waits;
      // Who takes nothing goes sooner when others need the room.
      const budget = full && flow.outgoing > ownShare ? 0 : left;
      left -= flow.tick(nowMs, budget, full ? this.#patienceMs / 5 : this.#patienceMs);
      outgoing += flow.outgoing;
      if (flow.idle) this.#busy.delete(flow);
      else if (rested) {
        // It had its turn.
        this.#busy.delete(flow);
        this.#busy.add(flow);
      }
    }
    this.outgoing = outgoing;
  }
}
