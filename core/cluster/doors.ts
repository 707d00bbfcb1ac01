/**
 * The links that a node accepted on each of its interfaces. It counts them, bounds them, and closes them when the node
 * stops. Other parts handle what is said over them.
 */

import type { ErrorInfo } from '../base/errors.ts';
import { errorInfo } from '../base/errors.ts';
import type { Limits } from '../base/limits.ts';
import type { Interface, Link, LinkHandler } from '../base/ports.ts';
import * as closeCodes from '../wire/close-codes.ts';

/** The part that handles a link, and can refuse it with a reason. */
export interface Doorkeeper extends LinkHandler {
  refuse(error: ErrorInfo, code: number): void;
}

const deaf: LinkHandler = { onFrame: () => undefined, onClose: () => undefined };

export class Doors {
  readonly #limits: Readonly<Record<Interface, number>>;
  readonly #counts: Record<Interface, number> = { cluster: 0, admin: 0, api: 0 };
  readonly #links = new Set<Link>();
  #closing = false;

  constructor(limits: Limits) {
    const { maxApiConnections, maxAdminConnections, maxClusterConnections } = limits;
    this.#limits = { api: maxApiConnections, admin: maxAdminConnections, cluster: maxClusterConnections };
  }

  /** Links that are open now. */
  open(through: Interface): number {
    return this.#counts[through];
  }

  admit(through: Interface, link: Link, handler: Doorkeeper): LinkHandler {
    const limit = this.#limits[through];
    const actual = ++this.#counts[through];
    this.#links.add(link);
    let open = true;
    const gone = (): void => {
      if (!open) return;
      open = false;
      this.#counts[through]--;
      this.#links.delete(link);
    };
    if (this.#closing) {
      handler.refuse(errorInfo('Closed', 'the node stops'), closeCodes.goingAway);
      gone();
    } else if (actual > limit) {
      const text = `more than ${limit} connections on the ${through} interface`;
      handler.refuse(errorInfo('LimitExceeded', text, { limit, actual }), closeCodes.tooManyConnections);
      gone();
    }
    return {
      onFrame: (frame) => handler.onFrame(frame),
      onClose: (code, reason) => {
        gone();
        handler.onClose(code, reason);
      },
    };
  }

  /** For a link that comes when the node has already stopped. */
  turnAway(link: Link): LinkHandler {
    link.close(closeCodes.goingAway, 'the node has stopped');
    return deaf;
  }

  /** The node stops. Links that come from now on are told so. */
  close(): void {
    this.#closing = true;
    for (const link of this.#links) link.close(closeCodes.goingAway, 'the node stops');
  }
}
