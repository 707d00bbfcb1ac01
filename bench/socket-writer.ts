/** Collects what is written to a socket in one turn and sends it in one write, without copying it a second time. */

import type { Socket } from 'node:net';

const blockBytes = 256 * 1024;

/**
 * Callers reserve room, and write into {@link buffer} at the offset that they get. A block is never used again for
 * other bytes, because the socket may still hold it.
 */
export class SocketWriter {
  buffer: Buffer = Buffer.allocUnsafe(blockBytes);
  readonly #socket: Socket;
  #begin = 0;
  #end = 0;
  #scheduled = false;
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.#send();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Makes room for `bytes` and returns where it begins. */
  reserve(bytes: number): number {
    if (this.#end + bytes > this.buffer.length) {
      this.#send();
      this.buffer = Buffer.allocUnsafe(Math.max(blockBytes, bytes));
      this.#begin = 0;
      this.#end = 0;
    }
    const at = this.#end;
    this.#end += bytes;
    if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(this.#flush);
    }
    return at;
  }

  #send(): void {
    if (this.#end === this.#begin) return;
    const part = this.buffer.subarray(this.#begin, this.#end);
    this.#begin = this.#end;
    if (!this.#socket.destroyed) this.#socket.write(part);
  }
}
