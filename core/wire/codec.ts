/**
 * What a codec is, and the binary codec: a frame is a list of messages, as their schemas write them. Decoding any frame
 * gives either messages that passed their schema or a MalformedError, and takes memory in proportion to the frame.
 */

import { Reader } from '../base/bytes.ts';
import { MalformedError } from '../base/errors.ts';
import type { Frame } from '../base/ports.ts';
import type { Schema } from '../base/schema.ts';
import { encodeWhole } from '../base/whole.ts';

/** Turns messages into frames and frames into messages, for one end of one interface. */
export interface Codec<Out, In> {
  /** The WebSocket subprotocol that names this codec. */
  readonly subprotocol: string;
  /** {@link decode} refuses a frame above this size. */
  readonly maxFrameBytes: number;
  encode(messages: readonly Out[]): Frame;
  /** @throws {@link MalformedError} on a frame that no encoder of the other end writes, or that is over the limit. */
  decode(frame: Frame): readonly In[];
}

/** @throws {@link MalformedError} that names the limit and the actual size. */
export function tooLarge(bytes: number, maxFrameBytes: number): never {
  throw new MalformedError(`frame of ${bytes} bytes is over the limit of ${maxFrameBytes}`);
}

/** The binary codec of one interface: `out` and `into` are the schemas of whole frames. */
export function binaryCodec<Out, In>(
  subprotocol: string,
  out: Schema<readonly Out[]>,
  into: Schema<readonly In[]>,
  maxFrameBytes: number,
): Codec<Out, In> {
  return {
    subprotocol,
    maxFrameBytes,
    // In bytes of its own, because a socket may keep the frame long after the next one is encoded.
    encode: (messages) => encodeWhole(out, messages),
    decode(frame) {
      if (typeof frame === 'string') throw new MalformedError('text frame on a binary connection');
      if (frame.length > maxFrameBytes) tooLarge(frame.length, maxFrameBytes);
      const reader = new Reader(frame);
      const messages = into.decode(reader);
      reader.end();
      return messages;
    },
  };
}
