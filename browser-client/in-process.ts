/** Links to a node in the same process. They need no socket and no port, and carry the same frames. */

import type { Frame, Link, LinkHandler, Transport } from '../core/base/ports.ts';
import * as closeCodes from '../core/wire/close-codes.ts';

/**
 * Takes a link that was dialled, and returns its handler, or null to refuse it. A hosted node's `accept` for the API
 * interface has this type.
 */
export type Accept = (subprotocol: string, link: Link) => LinkHandler | null;

/**
 * A transport that hands every link to `accept`, whatever the address. Frames arrive in a later turn and in order, as
 * from a socket.
 */
export function inProcess(accept: Accept): Transport {
  return {
    dial(_address, subprotocol, near) {
      let far: LinkHandler | null = null;
      let closed = false;
      /** The end that closed the link. It gets nothing more. */
      let closer: LinkHandler | null = null;
      const close = (code: number, reason: string, by: LinkHandler | null): void => {
        if (closed) return;
        closed = true;
        closer = by;
        // The close comes after the frames that are under way.
        queueMicrotask(() => {
          near.onClose(code, reason);
          far?.onClose(code, reason);
        });
      };
      const linkTo = (end: () => LinkHandler | null, own: () => LinkHandler | null): Link => ({
        send(frame) {
          if (closed) return;
          // The other end may keep the frame while the sender reuses its memory.
          const copy: Frame = typeof frame === 'string' ? frame : frame.slice();
          queueMicrotask(() => {
            const hearer = end();
            if (hearer !== closer) hearer?.onFrame(copy);
          });
        },
        close: (code, reason) => close(code, reason, own()),
        buffered: () => 0,
      });
      queueMicrotask(() => {
        if (closed) return;
        far = accept(
          subprotocol,
          linkTo(
            () => near,
            () => far,
          ),
        );
        if (far === null) close(closeCodes.abnormal, 'the node does not take links now', null);
        else near.onOpen?.();
      });
      return linkTo(
        () => far,
        () => near,
      );
    },
  };
}
