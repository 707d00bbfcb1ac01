/** A question to a group. It is built where it comes in, from a client or a peer, and handed on unchanged. */

import type { ErrorInfo } from '../../base/errors.ts';
import type { NamespaceId } from '../../base/ids.ts';
import type { SessionSecret } from '../../base/session-secret.ts';
import type { ForwardItem } from '../../wire/peer.ts';

/** Who waits for the outcome of a request or a read. One of `reply`, `fail` and `hold` is called, once. */
export interface Waiter {
  reply(bytes: Uint8Array): void;
  fail(error: ErrorInfo): void;
  /**
   * Takes over a read that can be answered, but not now: its answer has no room, or the turn is `tired`. Null when it is answered at once.
   * Left out: it always is.
   */
  holder?(tired: boolean): Holder | null;
  /** Counts the work of a read against whoever asked for it. Left out: it counts against the node alone. */
  spent?(steps: number): void;
}

/** Keeps a read, and makes its answer later. `make` answers from the state as it was when the read's turn came. */
export type Holder = (make: () => Uint8Array) => void;

export interface Job {
  readonly namespaceId: NamespaceId;
  readonly item: ForwardItem;
  /** The secret with which it speaks as its session. */
  readonly secret: SessionSecret;
  /** How many nodes it passed before this one, and the last of them. Both are empty for a client of this node. */
  readonly hops: number;
  readonly from: string | null;
  /** The client's connection. Null for a question of a node. */
  readonly asker: object | null;
  readonly waiter: Waiter;
}

/** One kind of question. */
export type ItemOf<K extends ForwardItem['kind']> = Extract<ForwardItem, { readonly kind: K }>;
