/**
 * The `Transport` port over WebSockets, for dialling. Accepting is in `ws-listener.ts`. Both make the links of
 * `ws-link.ts`.
 */

import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import * as closeCodes from '../core/wire/close-codes.ts';
import type { Link, LinkHandler, Transport } from '../core/base/ports.ts';
import { readRefusal } from './refusal.ts';
import { KeepAlive, WsLink, socketOptions } from './ws-link.ts';

export interface WebSocketTransportOptions {
  /** The size of the largest frame that is accepted, in bytes. A larger one closes its connection with 1009. */
  readonly maxFrameBytes: number;
  /** From dialling to the end of the handshake. Default 5000. */
  readonly handshakeTimeoutMs?: number;
  /** A link is pinged after this much silence, and dropped after twice as much. Default 5000. */
  readonly pingIntervalMs?: number;
  /** Bytes that the other end may send before core says that it has proven itself. Default: it need not. */
  readonly unprovenBytes?: number;
}

/** `host:port` or a `ws:`/`wss:` URL, as a URL; null when it is neither. */
export function urlOf(address: string): URL | null {
  const text = /^wss?:\/\//i.test(address) ? address : `ws://${address}`;
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.hostname === '' || url.hash !== '') return null;
  return url;
}

export class WebSocketTransport implements Transport {
  readonly #maxFrameBytes: number;
  readonly #handshakeTimeoutMs: number;
  readonly #keepAlive: KeepAlive;
  readonly #unprovenBytes: number | undefined;

  constructor(options: WebSocketTransportOptions) {
    this.#maxFrameBytes = options.maxFrameBytes;
    this.#handshakeTimeoutMs = options.handshakeTimeoutMs ?? 5000;
    this.#keepAlive = new KeepAlive(options.pingIntervalMs ?? 5000);
    this.#unprovenBytes = options.unprovenBytes;
  }

  dial(address: string, subprotocol: string, handler: LinkHandler): Link {
    const url = urlOf(address);
    if (url === null) return unopened(handler, closeCodes.abnormal, `not an address: ${address}`);
    let ws: WebSocket;
    try {
      ws = new WebSocket(url, [subprotocol], {
        ...socketOptions(this.#maxFrameBytes),
        handshakeTimeout: this.#handshakeTimeoutMs,
        // Masks keep hostile browser scripts from forging what a proxy sees. A program has no such scripts, and a mask
        // of zeros spares both ends a pass over every byte.
        generateMask: (mask) => mask.fill(0),
      });
    } catch (error) {
      return unopened(handler, closeCodes.abnormal, error instanceof Error ? error.message : String(error));
    }
    let refused: { code: number; reason: string } | null = null;
    let socket: Duplex | null = null;
    const link = new WsLink(
      ws,
      this.#keepAlive,
      {
        onFrame: (frame) => handler.onFrame(frame),
        onClose: (code, reason) => {
          if (refused === null) handler.onClose(code, reason);
          else handler.onClose(refused.code, refused.reason);
        },
      },
      null,
    );
    if (this.#unprovenBytes !== undefined) link.distrust(this.#unprovenBytes);
    ws.on('upgrade', (response) => {
      socket = response.socket;
    });
    ws.on('unexpected-response', (request, response) => {
      readRefusal(response, (code, reason) => {
        refused = { code, reason };
        request.destroy();
        ws.terminate();
      });
    });
    ws.on('open', () => {
      if (socket === null || ws.protocol !== subprotocol) {
        link.close(closeCodes.wrongProtocol, `the other end does not speak ${subprotocol}`);
        return;
      }
      link.opened(socket);
      link.handle(handler);
      handler.onOpen?.();
    });
    return link;
  }
}

/** A link that never opened. Its handler hears of that in a later turn, as for every other link. */
function unopened(handler: LinkHandler, code: number, reason: string): Link {
  setImmediate(() => handler.onClose(code, reason));
  return { send: () => undefined, close: () => undefined, buffered: () => 0 };
}
