/**
 * The client's end of the API interface. An engine sends and receives the same messages, whichever codec carries them.
 * The codec decides how an operation is encoded. Each codec is a module of its own, so a page that speaks text loads no
 * binary form.
 */

import type { Operation } from '../tree/operation.ts';
import type { ClientMessage, Consistency } from './api.ts';
import type { Codec } from './codec.ts';
import type { Incoming } from './server-messages.ts';

/** An operation in its encoded form, with its size. */
export interface Packed {
  readonly length: number;
}

type WithPacked<M> = M extends { readonly operation: Uint8Array }
  ? Omit<M, 'operation'> & { readonly operation: Packed }
  : M;

/** A message that a client sends. */
export type Outgoing = WithPacked<ClientMessage>;

export interface ClientCodec {
  readonly subprotocol: string;
  /**
   * Encodes `operation` once, for the first sending and for every repetition. The caller may change its bytes
   * afterwards.
   * @param consistency goes with it when it is a read.
   * @throws {@link MalformedError} for values that cannot be encoded.
   */
  pack(operation: Operation, consistency: Consistency | null): Packed;
  /**
   * Checks the other fields that the caller chose. @throws {@link MalformedError} for what would make the node close
   * the connection.
   */
  check(message: Outgoing): void;
  frames(maxFrameBytes: number): Codec<Outgoing, Incoming>;
}
