/**
 * One WebSocket as core's `Link`, whether it was dialled or accepted: corking, close codes, and pings that find dead
 * peers. Core decides what the frames mean.
 */

import type { Duplex } from 'node:stream';
import type { ClientOptions, ServerOptions, WebSocket } from 'ws';
import * as closeCodes from '../core/wire/close-codes.ts';
import type { Frame, Link, LinkHandler } from '../core/base/ports.ts';
import { forgetWire, wireOf } from './ws-frame.ts';

/** A peer that does not answer a close frame is cut off after this long. */
const closeTimeoutMs = 2000;
/** RFC 6455: a close frame holds 125 bytes. Two of them are the code. */
const maxReasonBytes = 123;

/** The options that we give ws for every socket. Its types do not know `closeTimeout` yet. */
export function socketOptions(maxFrameBytes: number): ClientOptions & ServerOptions & { closeTimeout: number } {
  return {
    maxPayload: maxFrameBytes,
    // A compressor costs about 300 KB for each connection, and a peer could send a compression bomb.
    perMessageDeflate: false,
    closeTimeout: closeTimeoutMs,
  };
}

/** At most 123 bytes of `reason`, cut between characters. */
export function closeReason(reason: string): string {
  if (Buffer.byteLength(reason) <= maxReasonBytes) return reason;
  let cut = '';
  let length = 3;
  for (const character of reason) {
    length += Buffer.byteLength(character);
    if (length > maxReasonBytes) break;
    cut += character;
  }
  return `${cut}…`;
}

/** What a socket of Node has beneath it: bytes given to it, and those of them that have not left. */
interface HandleOwner {
  readonly _handle?: { readonly bytesWritten: number; readonly writeQueueSize: number } | null;
}

let waiting: WsLink[] = [];

/** All frames of one turn are written with one system call. That sends several times as many messages a second. */
function waitForTurn(link: WsLink): void {
  if (waiting.push(link) === 1) process.nextTick(endTurns);
}

function endTurns(): void {
  const links = waiting;
  waiting = [];
  forgetWire();
  for (const link of links) link.endTurn();
}

/**
 * Pings the links that were silent for an interval, and drops those that stay silent for the next. It costs two
 * Booleans a link and one timer.
 */
export class KeepAlive {
  readonly #links = new Set<WsLink>();
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | null = null;
  #scannedAt = 0;

  /** @param intervalMs a dead peer is found after two to three of these. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  get size(): number {
    return this.#links.size;
  }

  add(link: WsLink): void {
    this.#links.add(link);
    if (this.#timer !== null) return;
    this.#scannedAt = performance.now();
    this.#timer = setInterval(() => this.#scan(), this.#intervalMs);
    this.#timer.unref();
  }

  remove(link: WsLink): void {
    this.#links.delete(link);
    if (this.#links.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  /** Cuts every link without a close frame. */
  terminateAll(reason: string): void {
    for (const link of [...this.#links]) link.terminate(reason);
  }

  #scan(): void {
    const now = performance.now();
    const paused = now - this.#scannedAt > 2 * this.#intervalMs;
    this.#scannedAt = now;
    // When this process was paused, the answers still wait in the kernel, so the peers are not to blame for the
    // silence.
    for (const link of [...this.#links]) link.checkAlive(paused);
  }
}

export class WsLink implements Link {
  readonly #ws: WebSocket;
  readonly #keepAlive: KeepAlive;
  #handler: LinkHandler;
  #socket: Duplex | null = null;
  /** A server's frames have no mask, and so do not need ws. */
  readonly #accepted: boolean;
  #waits = false;
  /** The only frame of this turn so far. A single frame needs no cork. */
  #first: Buffer | null = null;
  /** The socket while it is corked until the end of the turn. */
  #corked: Duplex | null = null;
  #heard = true;
  #pinged = false;
  #closing: { code: number; reason: string } | null = null;
  /** How many bytes the other end may still send before it has proven itself; null once it has, or need not. */
  #allowance: number | null = null;
  readonly #count = (chunk: Buffer): void => this.#onUnproven(chunk.length);
  #fault = '';
  #paused = false;

  /**
   * @param ws its listeners are taken over. It is already open when `socket` is given.
   * @param socket the socket under `ws`, for an accepted connection.
   */
  constructor(ws: WebSocket, keepAlive: KeepAlive, handler: LinkHandler, socket: Duplex | null) {
    this.#ws = ws;
    this.#keepAlive = keepAlive;
    this.#handler = handler;
    this.#accepted = socket !== null;
    ws.binaryType = 'nodebuffer';
    ws.on('message', (data: Buffer, isBinary: boolean) => this.#onMessage(data, isBinary));
    ws.on('pong', () => this.#onHeard());
    ws.on('error', (error) => {
      // After an error, ws closes by itself with the right code. We only keep the reason.
      this.#fault = this.#fault === '' ? error.message : this.#fault;
    });
    ws.on('close', (code, reason) => this.#onClose(code, reason));
    if (socket !== null) this.opened(socket);
  }

  /** The node gives its handler after the link exists. Nothing arrives in between, because it is the same turn. */
  handle(handler: LinkHandler): void {
    this.#handler = handler;
  }

  /** The handshake is done. The frames go through `socket`. */
  opened(socket: Duplex): void {
    this.#socket = socket;
    this.#keepAlive.add(this);
    if (this.#allowance !== null) socket.on('data', this.#count);
  }

  /**
   * Until core says that the other end has proven itself, it may send so many bytes in all, frames of any kind, and no pings. They would
   * cost us a share of a frame of any size each, and core sees none of them.
   */
  distrust(bytes: number): void {
    this.#allowance = bytes;
    this.#socket?.on('data', this.#count);
    this.#ws.on('ping', () => this.#onUnproven(Infinity));
  }

  proven(): void {
    this.#allowance = null;
    this.#socket?.off('data', this.#count);
  }

  pause(): void {
    this.#paused = true;
    this.#ws.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#ws.resume();
  }

  #onUnproven(bytes: number): void {
    if (this.#allowance === null) return;
    this.#allowance -= bytes;
    if (this.#allowance < 0) this.terminate('too much from an end that has proven nothing');
  }

  send(frame: Frame): void {
    const socket = this.#socket;
    if (socket === null || this.#closing !== null || this.#ws.readyState !== this.#ws.OPEN) return;
    if (!this.#waits) {
      this.#waits = true;
      waitForTurn(this);
      if (this.#accepted && (this.#first = wireOf(frame)) !== null) return;
    }
    if (this.#corked === null) {
      this.#corked = socket;
      socket.cork();
    }
    this.#writeFirst(socket);
    const wire = this.#accepted ? wireOf(frame) : null;
    if (wire === null) this.#ws.send(frame);
    else socket.write(wire);
  }

  #writeFirst(socket: Duplex): void {
    if (this.#first === null) return;
    socket.write(this.#first);
    this.#first = null;
  }

  close(code: number, reason: string): void {
    if (this.#closing !== null) return;
    this.#closing = { code, reason };
    this.endTurn();
    this.#ws.close(code, closeReason(reason));
  }

  buffered(): number {
    return this.#ws.bufferedAmount + (this.#first?.length ?? 0);
  }

  taken(): number {
    // Node looks at these two itself, to see whether a long write goes on. A write counts in `buffered` until all of it
    // has left.
    const handle = (this.#socket as HandleOwner | null)?._handle;
    return handle ? handle.bytesWritten - handle.writeQueueSize : 0;
  }

  /** Cuts the connection without a close frame. */
  terminate(reason: string): void {
    this.#fault = this.#fault === '' ? reason : this.#fault;
    this.#ws.terminate();
  }

  /** For {@link KeepAlive}: asks for a sign of life, or gives up. With `excused`, the silence so far does not count. */
  checkAlive(excused: boolean): void {
    // While we do not read, answers to pings wait in the kernel.
    if (this.#heard || excused || this.#paused) {
      this.#heard = false;
      this.#pinged = false;
    } else if (this.#pinged) {
      this.terminate('the other end does not answer pings');
    } else {
      this.#pinged = true;
      if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
    }
  }

  /** Sends the frames of this turn. */
  endTurn(): void {
    this.#waits = false;
    const socket = this.#socket;
    if (socket !== null && this.#ws.readyState === this.#ws.OPEN) this.#writeFirst(socket);
    this.#first = null;
    const corked = this.#corked;
    this.#corked = null;
    corked?.uncork();
  }

  #onHeard(): void {
    this.#heard = true;
    this.#pinged = false;
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#onHeard();
    // We have closed the link, so frames that were on their way are not delivered.
    if (this.#closing !== null) return;
    // A plain view, because a Buffer's `slice` does not copy as a Uint8Array's does. It shares memory with everything
    // from the same read of the socket. A part that is kept for long must be copied.
    this.#handler.onFrame(
      isBinary ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data.toString('utf8'),
    );
  }

  #onClose(code: number, reason: Buffer): void {
    this.#keepAlive.remove(this);
    this.#socket = null;
    // 1005 means that no code was given. That is still an orderly close.
    const heard = code === 1005 ? closeCodes.normal : code;
    const text = reason.toString('utf8');
    this.#handler.onClose(heard, text !== '' ? text : this.#fault !== '' ? this.#fault : (this.#closing?.reason ?? ''));
  }
}
