/**
 * The reserve of free memory. Below it, requests that grow the state are refused, while reads, removals and replication go on (architecture
 * §2). An engine that has no memory left ends its process, and at each start again, because the state is as large as before.
 *
 * What is in use cannot be read off: the engine tells of live and dead objects together. After a collection only the live ones are left, so
 * the lowest use since is what they need, and what the state has grown by since is added. A request grows the state later than it is taken
 * in, so what was taken in and has no answer yet is added as well.
 *
 * A process that refuses growth makes little garbage, and so its engine collects nothing for a long time. Then what was removed still
 * counts, and growth stays refused. So the reserve asks for a collection when growth is refused, and again when the state has shrunk.
 */

import { errorInfo } from '../../base/errors.ts';
import type { ErrorInfo } from '../../base/errors.ts';
import type { Memory } from '../../base/ports.ts';
import { growingOperations } from './growth.ts';
import type { Waiter } from './job.ts';

const askEveryMs = 50;
/** Shares of the memory that may be used. Beyond the first, each request is looked at; beyond the second, what grows is refused. */
const nearPart = 0.5;
const lowPart = 0.7;
/** Beyond this, new sessions are refused as well. Until then, whoever wants to remove something can begin. */
const fullPart = 0.85;
/** Growth is taken again when so much of the memory has become free. */
const easePart = 0.03;
/** The largest reserve, however much memory there is. */
const maxReserveBytes = 1024 * 1024 * 1024;
/** What one new small item costs, with its place in a set or directory. Most is less. */
const operationBytes = 400;
/** A rough upper bound of the same, for each byte of a request, and for each byte of the state as it counts itself. */
const bytesOfByte = 16;
/** For so long, what was taken in without a look at it counts beside what the state has grown by. */
const unseenMs = 5000;
/** So long after one collection was asked for, and so many times as long as it took, none is asked for again. */
const collectEveryMs = 2000;
const collectPart = 20;
/** For so long, the operator is told of the last refusal. */
const toldMs = 5000;

/** Counts what came in during the last seconds: at least in one such time, at most in two. */
class Lately {
  #now = 0;
  #before = 0;
  #beganMs = 0;

  get bytes(): number {
    return this.#now + this.#before;
  }

  add(bytes: number): void {
    this.#now += bytes;
  }

  tick(nowMs: number): void {
    if (nowMs - this.#beganMs < unseenMs) return;
    this.#before = nowMs - this.#beganMs < 2 * unseenMs ? this.#now : 0;
    this.#now = 0;
    this.#beganMs = nowMs;
  }
}

/** Who waits for a request that may be proposed, or why it may not. */
export interface Taken {
  readonly waiter: Waiter;
  readonly refusal: ErrorInfo | null;
}

/** Waits for a write that counts until it is answered. */
class Counted implements Waiter {
  readonly #waiter: Waiter;
  readonly #over: () => void;

  constructor(waiter: Waiter, over: () => void) {
    this.#waiter = waiter;
    this.#over = over;
  }

  reply(bytes: Uint8Array): void {
    this.#over();
    this.#waiter.reply(bytes);
  }

  fail(error: ErrorInfo): void {
    this.#over();
    this.#waiter.fail(error);
  }
}

export class MemoryReserve {
  readonly #memory: Memory | null;
  /** Bytes of the state of all replicas here, as they count themselves. */
  readonly #stateBytes: () => number;
  #limitBytes = Infinity;
  #usedBytes = 0;
  /** The lowest use since the last collection, and the size of the state at that time. */
  #live: { readonly usedBytes: number; readonly stateBytes: number } | null = null;
  #needBytes = 0;
  /** What requests may cost that were taken in without a look at them. */
  readonly #unseen = new Lately();
  /** What those cost that were looked at and have no answer yet. */
  #pendingBytes = 0;
  #low = false;
  /** The size of the state when a collection was last asked for since growth is refused. Null before the first. */
  #collectedAtBytes: number | null = null;
  #collectAgainMs = Number.NEGATIVE_INFINITY;
  #refused = 0;
  #refusedMs = Number.NEGATIVE_INFINITY;
  #nowMs = Number.NEGATIVE_INFINITY;
  #askedMs = Number.NEGATIVE_INFINITY;

  /** @param memory null where the host does not bound it. */
  constructor(memory: Memory | null, stateBytes: () => number) {
    this.#memory = memory;
    this.#stateBytes = stateBytes;
  }

  /** Growth is refused, or was refused a moment ago. */
  get low(): boolean {
    return this.#low || this.#nowMs - this.#refusedMs < toldMs;
  }

  /** What live objects need, and how much there may be. Null where the host does not tell. */
  get use(): { readonly needBytes: number; readonly limitBytes: number } | null {
    return this.#live === null ? null : { needBytes: this.#needBytes, limitBytes: this.#limitBytes };
  }

  /** How many requests were refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /** The text for the operator while {@link low}. */
  get problem(): string {
    return `this process needs ${this.#needBytes} of the ${this.#limitBytes} bytes of memory that it may use, and keeps the rest free: requests that grow the state are refused with MemoryLow until something is removed; start it with more (NODE_OPTIONS=--max-old-space-size=MEBIBYTES)`;
  }

  /** @returns true when {@link low} changed. */
  tick(nowMs: number): boolean {
    if (this.#memory === null) return false;
    const before = this.low;
    this.#nowMs = nowMs;
    if (nowMs - this.#askedMs >= askEveryMs) {
      this.#askedMs = nowMs;
      this.#ask(this.#memory);
      this.#unseen.tick(nowMs);
    }
    return this.low !== before;
  }

  #ask(memory: Memory): void {
    const { usedBytes, limitBytes } = memory.use();
    const stateBytes = this.#stateBytes();
    // It only goes down by a collection, or by a piece of one.
    if (this.#live === null || usedBytes < this.#usedBytes) this.#live = { usedBytes, stateBytes };
    this.#usedBytes = usedBytes;
    this.#limitBytes = limitBytes;
    const grown = Math.max(0, stateBytes - this.#live.stateBytes) * bytesOfByte;
    this.#needBytes = Math.min(usedBytes, this.#live.usedBytes + grown);
    const ease = this.#low ? limitBytes * easePart : 0;
    this.#low = this.#needBytes + ease > this.#at(lowPart);
    if (this.#low) this.#collect(memory, stateBytes);
    else this.#collectedAtBytes = null;
  }

  #collect(memory: Memory, stateBytes: number): void {
    if (memory.collect === undefined || this.#nowMs < this.#collectAgainMs) return;
    if (this.#collectedAtBytes !== null && stateBytes >= this.#collectedAtBytes) return;
    this.#collectedAtBytes = stateBytes;
    const tookMs = memory.collect();
    this.#collectAgainMs = this.#nowMs + Math.max(collectEveryMs, collectPart * tookMs);
  }

  #at(part: number): number {
    const limit = this.#limitBytes;
    return Math.max(limit * part, limit - (maxReserveBytes * (1 - part)) / (1 - lowPart));
  }

  /** Whether a request may be proposed now. What may counts as taken in until it is answered, by the waiter that is given back. */
  takes(body: Uint8Array, waiter: Waiter): Taken {
    if (this.#memory === null) return { waiter, refusal: null };
    const rough = body.length * bytesOfByte;
    if (!this.#low && this.#needBytes + this.#unseen.bytes + this.#pendingBytes + rough <= this.#at(nearPart)) {
      this.#unseen.add(rough);
      return { waiter, refusal: null };
    }
    const bytes = growingOperations(body) * operationBytes;
    if (bytes === 0) return { waiter, refusal: null };
    if (this.#low || this.#needBytes + this.#pendingBytes + bytes > this.#at(lowPart))
      return { waiter, refusal: this.#refuse() };
    this.#pendingBytes += bytes;
    return { waiter: new Counted(waiter, () => (this.#pendingBytes -= bytes)), refusal: null };
  }

  /** Why no session may be made now, or null when one may. */
  refusesSessions(): ErrorInfo | null {
    return this.#memory !== null && this.#needBytes > this.#at(fullPart) ? this.#refuse() : null;
  }

  #refuse(): ErrorInfo {
    this.#refused++;
    this.#refusedMs = this.#nowMs;
    return errorInfo(
      'MemoryLow',
      `the primary needs ${this.#needBytes} of the ${this.#limitBytes} bytes of memory that it may use; only requests that free memory are accepted`,
      { limit: Math.floor(this.#at(lowPart)), actual: this.#needBytes },
    );
  }
}
