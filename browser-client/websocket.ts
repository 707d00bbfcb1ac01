/**
 * The `Transport` port over any WebSocket of the standard's form: the browser's own, ws in Node (isomorphic-ws picks),
 * or one that the user brings. The meaning of frames is left to core.
 */

import { utf8Length } from '../core/base/utf8-length.ts';
import { HostWebSocket, socketOptions } from './host.ts';
import type { Frame, Link, LinkHandler, Transport } from '../core/base/ports.ts';
import * as closeCodes from '../core/wire/close-codes.ts';

/** What haret needs of a WebSocket. It is a part of the standard's interface, which ws and undici have too. */
export interface WebSocketLike {
  /** haret sets it to `arraybuffer`. */
  binaryType: string;
  /** 1 while it is open. */
  readonly readyState: number;
  /** Bytes that were sent and have not left this process yet. */
  readonly bufferedAmount: number;
  /** The subprotocol that the other end chose. */
  readonly protocol: string;
  /** Is called when it is open. */
  onopen: ((event: never) => void) | null;
  /** Is called with each frame: text, or an ArrayBuffer. */
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  /** Is called when it is closed. */
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  /** Is called with a fault, before `onclose`. ws says what it was. */
  onerror: ((event: { readonly message?: string }) => void) | null;
  /** Sends a frame. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Closes it, with code 1000 or a code from 3000 on. */
  close(code?: number, reason?: string): void;
}

/** A class of WebSockets, such as the browser's own. */
export type WebSocketConstructor = new (
  url: string,
  protocols: string[],
  /** ws takes options here. The standard's classes ignore them. */
  options?: object,
) => WebSocketLike;

/** In RFC 6455 a close frame holds 125 bytes, of which two are the code. */
const maxReasonBytes = 123;
const readyStateOpen = 1;
/** A close is waited for at most this long, because the other end may be gone. */
const closeWaitMs = 1000;

/**
 * The address of a node as the engine uses it, from `host:port` or a URL of ws, wss, http or https. A plain URL becomes
 * `host:port`, because nodes give each other's addresses in that form. Null when it is neither.
 */
export function addressOf(url: string): string | null {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url.replace(/^http/i, 'ws') : `ws://${url}`;
  if (!URL.canParse(text)) return null;
  const parsed = new URL(text);
  if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') return null;
  if (parsed.hostname === '' || parsed.hash !== '') return null;
  const plain = parsed.protocol === 'ws:' && parsed.pathname === '/' && parsed.search === '' && parsed.username === '';
  return plain ? `${parsed.hostname}:${parsed.port === '' ? '80' : parsed.port}` : parsed.href;
}

export class SocketTransport implements Transport {
  readonly #WebSocket: WebSocketConstructor;
  readonly #secure: boolean;
  readonly #open = new Set<SocketLink>();
  #idle: (() => void)[] = [];

  /** @param secure dials addresses that nodes give with wss, so that a client that came over TLS stays on TLS. */
  constructor(secure: boolean, WebSocket: WebSocketConstructor | undefined) {
    this.#secure = secure;
    this.#WebSocket = WebSocket ?? HostWebSocket;
  }

  dial(address: string, subprotocol: string, handler: LinkHandler): Link {
    const url = /^wss?:/.test(address) ? address : `${this.#secure ? 'wss' : 'ws'}://${address}`;
    let socket: WebSocketLike;
    try {
      socket = new this.#WebSocket(url, [subprotocol], socketOptions);
    } catch (error) {
      // A page that came over https may not dial ws. The browser then throws.
      const reason = error instanceof Error ? error.message : String(error);
      queueMicrotask(() => handler.onClose(closeCodes.abnormal, reason));
      return { send: () => undefined, close: () => undefined, buffered: () => 0 };
    }
    const link = new SocketLink(socket, subprotocol, handler, () => this.#ended(link));
    this.#open.add(link);
    return link;
  }

  /** Resolves when all sockets are closed, or when they have had enough time for it. */
  drained(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, closeWaitMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #ended(link: SocketLink): void {
    this.#open.delete(link);
    if (this.#open.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

class SocketLink implements Link {
  readonly #socket: WebSocketLike;

  constructor(socket: WebSocketLike, subprotocol: string, handler: LinkHandler, ended: () => void) {
    this.#socket = socket;
    let fault = '';
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      if (socket.protocol === subprotocol) handler.onOpen?.();
      else this.close(closeCodes.wrongProtocol, `the other end does not speak ${subprotocol}`);
    };
    socket.onmessage = ({ data }) => {
      // ws still reports frames that were under way when this end closed.
      if (socket.readyState !== readyStateOpen) return;
      handler.onFrame(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
    };
    // Browsers do not say what the fault was. ws does. The close event follows.
    socket.onerror = ({ message }) => {
      if (message !== undefined) fault = message;
    };
    socket.onclose = ({ code, reason }) => {
      ended();
      // 1005 means that no code was given, which is still an orderly close.
      handler.onClose(code === 1005 ? closeCodes.normal : code, reason === '' ? fault : reason);
    };
  }

  send(frame: Frame): void {
    // None of our frames lies in shared memory.
    if (this.#socket.readyState === readyStateOpen) this.#socket.send(frame as string | Uint8Array<ArrayBuffer>);
  }

  close(code: number, reason: string): void {
    // A script may send 1000 or a code from 3000 on, and nothing else.
    this.#socket.close(code >= 3000 ? code : closeCodes.normal, shortReason(reason));
  }

  buffered(): number {
    return this.#socket.bufferedAmount;
  }
}

function shortReason(reason: string): string {
  let short = reason;
  while (utf8Length(short) > maxReasonBytes) short = short.slice(0, -1);
  return short;
}
