/** The replies that one session may still ask for again: those of the request numbers [base, next), all executed (protocol §7). */

import { invariant } from '../base/assert.ts';

/** Below so many trimmed places the array is left as it is; above, once they are half of it, it is shortened. */
const compactAbove = 32;

export class ReplyWindow {
  #base: number;
  /** Replies of [base, next), behind `#start` places that were trimmed. */
  #replies: (Uint8Array | undefined)[];
  #start: number;
  #bytes: number;

  constructor(base: number) {
    this.#base = base;
    this.#replies = [];
    this.#start = 0;
    this.#bytes = 0;
  }

  /** The lowest number that is not yet known to be answered. */
  get base(): number {
    return this.#base;
  }

  /** The lowest number that was never executed. */
  get next(): number {
    return this.#base + this.count;
  }

  get count(): number {
    return this.#replies.length - this.#start;
  }

  /** Bytes of the kept replies. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The kept reply of a number of [base, next). */
  get(request: number): Uint8Array {
    const reply = this.#replies[this.#start + request - this.#base];
    invariant(request >= this.#base && reply !== undefined, 'a kept reply is asked for', {
      request,
      base: this.#base,
      next: this.next,
    });
    return reply;
  }

  /** Keeps the reply of `next`. */
  push(reply: Uint8Array): void {
    this.#replies.push(reply);
    this.#bytes += reply.length;
  }

  /** Forgets the replies below `base`. Numbers that it passes over were refused and are never executed. */
  trim(base: number): void {
    if (base <= this.#base) return;
    const end = Math.min(this.#start + base - this.#base, this.#replies.length);
    for (let i = this.#start; i < end; i++) {
      this.#bytes -= this.#replies[i]!.length;
      this.#replies[i] = undefined;
    }
    this.#start = end;
    this.#base = base;
    if (this.#start === this.#replies.length) {
      this.#replies.length = 0;
      this.#start = 0;
    } else if (this.#start > compactAbove && this.#start * 2 > this.#replies.length) {
      this.#replies = this.#replies.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Another window of the same content; what a snapshot holds of this one no longer changes with it. */
  clone(): ReplyWindow {
    const copy = new ReplyWindow(this.#base);
    copy.#replies = this.#replies.slice(this.#start);
    copy.#bytes = this.#bytes;
    return copy;
  }
}
