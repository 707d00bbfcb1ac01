/**
 * The replies that one session may still ask for again: those of the request numbers [base, next), which were all
 * executed (protocol §7). Each has a digest of its request, so that it never answers a different request.
 */

import { invariant } from '../base/assert.ts';
import { crc32 } from '../base/crc32.ts';
import type { RequestNumber } from '../base/ids.ts';

/**
 * A 32-bit digest of the request that a kept reply answers. A client that makes two bodies with one digest cheats only
 * itself.
 */
export function digestOf(body: Uint8Array): number {
  return crc32(body);
}

/** Up to this many trimmed places, the array stays as it is. Above that, it is shortened once they are half of it. */
const compactAbove = 32;

export class ReplyWindow {
  #base: RequestNumber;
  /** Replies of [base, next), after `#start` places that were trimmed. */
  #replies: (Uint8Array | undefined)[];
  /** Digests of the bodies, at the same places. */
  #digests: number[];
  #start: number;
  #bytes: number;

  constructor(base: RequestNumber) {
    this.#base = base;
    this.#replies = [];
    this.#digests = [];
    this.#start = 0;
    this.#bytes = 0;
  }

  /** The lowest number whose reply the client may not have received yet. */
  get base(): RequestNumber {
    return this.#base;
  }

  /** The lowest number that was never executed. */
  get next(): RequestNumber {
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
  get(request: RequestNumber): Uint8Array {
    const reply = this.#replies[this.#start + request - this.#base];
    invariant(request >= this.#base && reply !== undefined, 'a reply is asked for only while it is kept', {
      request,
      base: this.#base,
      next: this.next,
    });
    return reply;
  }

  /** The digest of the body that the kept reply of a number of [base, next) answers. */
  digest(request: RequestNumber): number {
    return this.#digests[this.#start + request - this.#base]!;
  }

  /** Keeps the reply of `next`. Its request's body has this digest. */
  push(reply: Uint8Array, digest: number): void {
    this.#replies.push(reply);
    this.#digests.push(digest);
    this.#bytes += reply.length;
  }

  /** Forgets the replies below `base`. Numbers that were skipped were refused, and are never executed. */
  trim(base: RequestNumber): void {
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

  /** Another window with the same content. A snapshot keeps it, so that later changes of this one do not show there. */
  clone(): ReplyWindow {
    const copy = new ReplyWindow(this.#base);
    copy.#replies = this.#replies.slice(this.#start);
    copy.#digests = this.#digests.slice(this.#start);
    copy.#bytes = this.#bytes;
    return copy;
  }
}
