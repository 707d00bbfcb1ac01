/**
 * The replies that one session may still ask for again: those of the request numbers [base, next), all executed (protocol §7). With each
 * goes a digest of what was asked, so that it is given for nothing else.
 */

import { invariant } from '../base/assert.ts';
import { crc32 } from '../base/crc32.ts';

/** What a kept reply answers, in 32 bits: whoever could make two bodies alike cheats only itself. */
export function digestOf(body: Uint8Array): number {
  return crc32(body);
}

/** Below so many trimmed places the array is left as it is; above, once they are half of it, it is shortened. */
const compactAbove = 32;

export class ReplyWindow {
  #base: number;
  /** Replies of [base, next), behind `#start` places that were trimmed. */
  #replies: (Uint8Array | undefined)[];
  /** Digests of the bodies, in the same places. */
  #digests: number[];
  #start: number;
  #bytes: number;

  constructor(base: number) {
    this.#base = base;
    this.#replies = [];
    this.#digests = [];
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

  /** The digest of the body that the kept reply of a number of [base, next) answers. */
  digest(request: number): number {
    return this.#digests[this.#start + request - this.#base]!;
  }

  /** Keeps the reply of `next`, to a body of this digest. */
  push(reply: Uint8Array, digest: number): void {
    this.#replies.push(reply);
    this.#digests.push(digest);
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
      this.#digests.length = 0;
      this.#start = 0;
    } else if (this.#start > compactAbove && this.#start * 2 > this.#replies.length) {
      this.#replies = this.#replies.slice(this.#start);
      this.#digests = this.#digests.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Another window of the same content; what a snapshot holds of this one no longer changes with it. */
  clone(): ReplyWindow {
    const copy = new ReplyWindow(this.#base);
    copy.#replies = this.#replies.slice(this.#start);
    copy.#digests = this.#digests.slice(this.#start);
    copy.#bytes = this.#bytes;
    return copy;
  }
}
