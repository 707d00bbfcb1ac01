/**
 * One WebSocket as core's `Link`, whether it was dialled or accepted: corking, close codes, and pings that find dead peers.
 * What the frames mean is core's business.
 */

import type { Duplex } from 'node:stream';
import type { ClientOptions, ServerOptions, WebSocket } from 'ws';
import * as closeCodes from '../core/wire/close-codes.ts';
import type { Frame, Link, LinkHandler } from '../core/base/ports.ts';
import { forgetWire, wireOf } from './ws-frame.ts';

/** A peer that does not answer a close frame is cut off after this long. */
const closeTimeoutMs = 2000;
/** RFC 6455: a close frame holds 125 bytes, two of which are the code. */
const maxReasonBytes = 123;

/** What ws is told for every socket of ours. Its types do not know `closeTimeout` yet. */
export function socketOptions(maxFrameBytes: number): ClientOptions & ServerOptions & { closeTimeout: number } {
  return {
    maxPayload: maxFrameBytes,
    // A compressor costs some 300 KB a connection, and a bomb could be sent through it.
    perMessageDeflate: false,
    closeTimeout: closeTimeoutMs,
  };
}

/** At most 123 bytes of `reason`, cut at a character. */
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

let waiting: WsLink[] = [];

/** What several frames of one turn come to is written with one system call: several times the messages a second. */
function waitForTurn(link: WsLink): void {
  if (waiting.push(link) === 1) process.nextTick(endTurns);
}

function endTurns(): void {
  const links = waiting;
  waiting = [];
  forgetWire();
  for (const link of links) link.endTurn();
}

/** Pings the links that were silent for an interval, and drops those that stayed silent for the next: two Booleans a link, one timer. */
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

  /** Cuts every link without a word. */
  terminateAll(reason: string): void {
    for (const link of [...this.#links]) link.terminate(reason);
  }

  #scan(): void {
    const now = performance.now();
    const paused = now - this.#scannedAt > 2 * this.#intervalMs;
    this.#scannedAt = now;
    // After a pause of this process the answers wait unread in the kernel: nobody is to blame for the silence.
    for (const link of [...this.#links]) link.checkAlive(paused);
  }
}

export class WsLink implements Link {
  readonly #ws: WebSocket;
  readonly #keepAlive: KeepAlive;
  #handler: LinkHandler;
  #socket: Duplex | null = null;
  /** Frames of the server's end have no mask, and so need nothing of ws. */
  readonly #accepted: boolean;
  #waits = false;
  /** The only frame of this turn so far: alone, it needs no cork. */
  #first: Buffer | null = null;
  /** The socket while it is corked until the end of the turn. */
  #corked: Duplex | null = null;
  #heard = true;
  #pinged = false;
  #closing: { code: number; reason: string } | null = null;
  #fault = '';

  /**
   * @param ws its listeners are taken over; it is open already when `socket` is given.
   * @param socket what is under `ws`, of an accepted connection.
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
      // ws closes by itself after an error, with the right code; what is left is to say why.
      this.#fault = this.#fault === '' ? error.message : this.#fault;
    });
    ws.on('close', (code, reason) => this.#onClose(code, reason));
    if (socket !== null) this.opened(socket);
  }

  /** The node answers `accept` with a handler after the link exists. Nothing arrives in between: it is one turn. */
  handle(handler: LinkHandler): void {
    this.#handler = handler;
  }

  /** The handshake is done; `socket` is what the frames go through. */
  opened(socket: Duplex): void {
    this.#socket = socket;
    this.#keepAlive.add(this);
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

  /** Cuts the connection without a close frame. */
  terminate(reason: string): void {
    this.#fault = this.#fault === '' ? reason : this.#fault;
    this.#ws.terminate();
  }

  /** For {@link KeepAlive}: asks for a sign of life, or gives up. With `excused` the silence until now does not count. */
  checkAlive(excused: boolean): void {
    if (this.#heard || excused) {
      this.#heard = false;
      this.#pinged = false;
    } else if (this.#pinged) {
      this.terminate('the other end does not answer pings');
    } else {
      this.#pinged = true;
      if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
    }
  }

  /** Lets this turn's frames go. */
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
    // Who closed has said the last word: what was on its way is not delivered.
    if (this.#closing !== null) return;
    // A plain view, because a Buffer's `slice` does not copy as a Uint8Array's does. It shares memory with whatever came in
    // the same read of the socket; who keeps a part of it for long copies that part.
    this.#handler.onFrame(
      isBinary ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data.toString('utf8'),
    );
  }

  #onClose(code: number, reason: Buffer): void {
    this.#keepAlive.remove(this);
    this.#socket = null;
    // 1005 is "no code was given": an orderly close all the same.
    const heard = code === 1005 ? closeCodes.normal : code;
    const text = reason.toString('utf8');
    this.#handler.onClose(heard, text !== '' ? text : this.#fault !== '' ? this.#fault : (this.#closing?.reason ?? ''));
  }
}
