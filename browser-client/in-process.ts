/** Links to a node in the same process: no socket, no port, the same frames. */

import type { Frame, Link, LinkHandler, Transport } from '../core/base/ports.ts';
import { closeCodes } from '../core/wire/close-codes.ts';

/** Takes a link that was dialled, and says who handles it; null refuses. A hosted node's `accept` for the API interface fits. */
export type Accept = (subprotocol: string, link: Link) => LinkHandler | null;

/** A transport that hands every link to `accept`, whatever the address. */
export function inProcess(accept: Accept): Transport {
  return {
    dial: (_address, subprotocol, handler) => new Pair(accept, subprotocol, handler).near,
  };
}

/** Two ends of a link. What is sent arrives in a later turn, as from a socket, and in order. */
class Pair {
  readonly near: Link;
  readonly #handlers: { near: LinkHandler; far: LinkHandler | null };
  #closed = false;

  constructor(accept: Accept, subprotocol: string, handler: LinkHandler) {
    this.near = this.#end('far');
    const far = this.#end('near');
    this.#handlers = { near: handler, far: null };
    later(() => {
      if (this.#closed) return;
      this.#handlers.far = accept(subprotocol, far);
      if (this.#handlers.far === null) this.#close(closeCodes.abnormal, 'the node does not take links now');
      else handler.onOpen?.();
    });
  }

  #end(to: 'near' | 'far'): Link {
    return {
      send: (frame) => {
        if (this.#closed) return;
        // The other end may keep it while the sender reuses its memory.
        const copy: Frame = typeof frame === 'string' ? frame : frame.slice();
        later(() => this.#handlers[to]?.onFrame(copy));
      },
      close: (code, reason) => this.#close(code, reason),
      buffered: () => 0,
    };
  }

  #close(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    // Behind the frames that are on their way.
    later(() => {
      this.#handlers.near.onClose(code, reason);
      this.#handlers.far?.onClose(code, reason);
    });
  }
}

function later(run: () => void): void {
  queueMicrotask(run);
}
