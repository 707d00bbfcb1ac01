/** The client engine's ports in a page: WebSockets, the page's clock, and the browser's chance. */

import type { Clock, Link, LinkHandler, Random, Transport } from '../core/base/ports.ts';
import type { ClientPorts } from '../core/client/options.ts';
import * as closeCodes from '../core/wire/close-codes.ts';

/** `host:port` or a `ws:`/`wss:` URL, as a URL; a page that came over TLS dials over TLS. */
export function socketUrl(address: string): string {
  if (/^wss?:\/\//i.test(address)) return address;
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${address}`;
}

class PageTransport implements Transport {
  dial(address: string, subprotocol: string, handler: LinkHandler): Link {
    let socket: WebSocket;
    try {
      socket = new WebSocket(socketUrl(address), subprotocol);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      setTimeout(() => handler.onClose(closeCodes.abnormal, reason), 0);
      return { send: () => undefined, close: () => undefined, buffered: () => 0 };
    }
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => handler.onOpen?.();
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) =>
      handler.onFrame(typeof data === 'string' ? data : new Uint8Array(data));
    socket.onclose = ({ code, reason }) => handler.onClose(code, reason);
    return {
      send: (frame) => {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send(typeof frame === 'string' ? frame : frame.slice());
      },
      // A page may only give 1000 and codes of its own.
      close: (code, reason) => socket.close(code < 3000 ? closeCodes.normal : code, reason.slice(0, 40)),
      buffered: () => socket.bufferedAmount,
    };
  }
}

/** Ends a turn of the page's loop: what arrived before a message to oneself is dealt with before it. */
class PageClock implements Clock {
  readonly #channel = new MessageChannel();
  #work: (() => void)[] = [];

  constructor() {
    this.#channel.port1.onmessage = () => {
      const work = this.#work;
      this.#work = [];
      for (const one of work) one();
    };
  }

  now(): number {
    return Math.floor(performance.now());
  }

  soon(work: () => void): void {
    this.#work.push(work);
    if (this.#work.length === 1) this.#channel.port2.postMessage(null);
  }
}

class PageRandom implements Random {
  uint32(): number {
    return crypto.getRandomValues(new Uint32Array(1))[0]!;
  }

  below(limit: number): number {
    // What falls behind the last whole multiple of the limit is drawn again: everything else is as likely as the rest.
    const bound = 0x1_0000_0000 - (0x1_0000_0000 % limit);
    for (;;) {
      const value = this.uint32();
      if (value < bound) return value % limit;
    }
  }

  bytes(count: number): Uint8Array {
    return crypto.getRandomValues(new Uint8Array(count));
  }
}

export function pagePorts(): ClientPorts {
  return { transport: new PageTransport(), clock: new PageClock(), random: new PageRandom() };
}
