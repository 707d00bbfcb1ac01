/**
 * The client's end of the API interface. An engine says and hears the same whichever codec carries it; what an operation becomes on its way
 * is the codec's business. Each codec is a module of its own, so that a page which speaks text has no binary form to load.
 */

import type { Operation } from '../tree/operation.ts';
import type { ClientMessage, Consistency } from './api.ts';
import type { Codec } from './codec.ts';
import type { Incoming } from './server-messages.ts';

/** An operation in the form in which it travels, with its size. */
export interface Packed {
  readonly length: number;
}

type WithPacked<M> = M extends { readonly operation: Uint8Array }
  ? Omit<M, 'operation'> & { readonly operation: Packed }
  : M;

/** What a client says. */
export type Outgoing = WithPacked<ClientMessage>;

export interface ClientCodec {
  readonly subprotocol: string;
  /**
   * What is sent for `operation`, and sent again, whatever becomes of the caller's bytes meanwhile.
   * @param consistency goes with it when it is a read.
   * @throws MalformedError for values that have no such form.
   */
  pack(operation: Operation, consistency: Consistency | null): Packed;
  /** Judges what else callers had a say in. @throws MalformedError for what would cost the connection. */
  check(message: Outgoing): void;
  frames(maxFrameBytes: number): Codec<Outgoing, Incoming>;
}
