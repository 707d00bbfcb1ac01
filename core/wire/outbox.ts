/**
 * What leaves a connection. The messages of one turn are collected and sent in as few frames as the size limit allows.
 * A peer that does not read is cut off before it fills our memory.
 */

import { utf8Length } from '../base/utf8-length.ts';
import type { Clock, Frame, Link } from '../base/ports.ts';
import * as closeCodes from './close-codes.ts';
import type { Codec } from './codec.ts';

export interface OutboxOptions<Out> {
  /** The other end refuses a frame above this size. */
  readonly maxFrameBytes: number;
  /** When more bytes than this wait in the link, it is closed as a slow consumer. */
  readonly maxQueuedBytes: number;
  readonly maxFrameMessages: number;
  /**
   * When this many messages wait and one more follows, they leave before the turn ends. So the other end works on them
   * while this one goes on.
   */
  readonly earlyMessages?: number;
  /** About how many bytes a message takes. A wrong guess only costs time. */
  readonly estimate: (message: Out) => number;
  /** What is sent in place of a message that fits into no frame. Null sends nothing. */
  readonly oversized: (message: Out, bytes: number) => Out | null;
}

/** Frames are cut at this estimated size. Larger ones save nothing and make others wait. */
const targetBytes = 256 * 1024;

export class Outbox<Out> {
  readonly #codec: Codec<Out, unknown>;
  readonly #link: Link;
  readonly #clock: Pick<Clock, 'soon'>;
  readonly #options: OutboxOptions<Out>;
  #queue: Out[] = [];
  /** About how many bytes are queued. */
  #queuedBytes = 0;
  #scheduled = false;
  #closed = false;
  readonly #flush = (): void => {
    this.flush();
  };

  constructor(codec: Codec<Out, unknown>, link: Link, clock: Pick<Clock, 'soon'>, options: OutboxOptions<Out>) {
    this.#codec = codec;
    this.#link = link;
    this.#clock = clock;
    this.#options = options;
  }

  /** True once it is closed, by {@link close} or because the other end did not read. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Queues a message. It leaves at the end of this turn at the latest. */
  send(message: Out): void {
    if (this.#closed) return;
    // A message that fits into no frame is reported here, never in the call that sends it, because that call waits for
    // the next one.
    if (this.#queue.length >= (this.#options.earlyMessages ?? Infinity)) this.#sendQueue();
    this.#queue.push(message);
    this.#queuedBytes += this.#options.estimate(message);
    if (this.#scheduled) {
      // One turn alone may make more than any reader is owed.
      if (this.#queuedBytes > this.#options.maxQueuedBytes) this.#cutOff();
      return;
    }
    this.#scheduled = true;
    this.#clock.soon(this.#flush);
  }

  /** Sends at once what is queued. Call it before a close, so that the reason arrives. */
  flush(): void {
    this.#scheduled = false;
    if (this.#queue.length === 0 || this.#closed) return;
    this.#sendQueue();
    // We look when the turn is over, so that one large answer does not count against a reader that keeps up.
    if (this.#link.buffered() > this.#options.maxQueuedBytes) this.#cutOff();
  }

  #cutOff(): void {
    this.close();
    this.#link.close(closeCodes.slowConsumer, 'too much is waiting to be read');
  }

  #sendQueue(): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    const { estimate, maxFrameBytes, maxFrameMessages } = this.#options;
    const target = Math.min(targetBytes, maxFrameBytes);
    let from = 0;
    let bytes = 0;
    for (let i = 0; i < queue.length; i++) {
      const size = estimate(queue[i]!);
      if (i > from && (bytes + size > target || i - from >= maxFrameMessages)) {
        this.#sendPart(queue, from, i);
        from = i;
        bytes = 0;
      }
      bytes += size;
    }
    this.#sendPart(queue, from, queue.length);
  }

  /** Drops what is queued and ignores what is sent from now on, because the link is closed or soon will be. */
  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #sendPart(queue: readonly Out[], from: number, to: number): void {
    const part = from === 0 && to === queue.length ? queue : queue.slice(from, to);
    const frame = this.#codec.encode(part);
    const size = frameBytes(frame, this.#options.maxFrameBytes);
    if (size <= this.#options.maxFrameBytes) {
      this.#link.send(frame);
    } else if (part.length > 1) {
      const middle = part.length >> 1;
      this.#sendPart(part, 0, middle);
      this.#sendPart(part, middle, part.length);
    } else {
      const instead = this.#options.oversized(part[0]!, size);
      if (instead !== null) this.#link.send(this.#codec.encode([instead]));
    }
  }
}

/** The size of a frame in bytes. For text that cannot reach `limit`, a lower bound that saves counting. */
export function frameBytes(frame: Frame, limit: number): number {
  if (typeof frame !== 'string') return frame.length;
  return frame.length * 3 <= limit ? frame.length : utf8Length(frame);
}
