/** The text codec of the API interface as a client speaks it: what pages do. */

import { isWellFormed } from '../base/utf8.ts';
import { MalformedError } from '../base/errors.ts';

import type { ClientCodec, Outgoing } from './api-client.ts';
import type { DocumentPart } from './text-codec.ts';
import { apiSubprotocols, maxFrameMessages, incomingSchema } from './server-messages.ts';
import { documentPart, joinDocument, readMessages } from './text-codec.ts';

const subprotocol = apiSubprotocols.superjson;

interface PackedText extends DocumentPart {
  readonly length: number;
}

export const textApi: ClientCodec = {
  subprotocol,
  pack: (operation, consistency): PackedText => {
    refuseUnsendable([operation, consistency]);
    const part = documentPart(operation);
    return { ...part, length: part.json.length };
  },
  check: refuseUnsendable,
  frames: (maxFrameBytes) => ({
    subprotocol,
    maxFrameBytes,
    encode: (messages) => joinDocument(messages.map(partOf)),
    decode: (frame) => readMessages(frame, incomingSchema, maxFrameMessages, maxFrameBytes),
  }),
};

function partOf(message: Outgoing): DocumentPart {
  if (message.kind !== 'request' && message.kind !== 'read') return documentPart(message);
  const { operation, ...rest } = message;
  // An operation of this codec's own packing.
  const { json, bytesAt } = operation as PackedText;
  const frame = JSON.stringify(rest);
  return { json: `${frame.slice(0, -1)},"operation":${json}}`, bytesAt: bytesAt.map((path) => `operation.${path}`) };
}

/** A node closes a connection that sends what no message may hold; the caller hears of it instead. */
function refuseUnsendable(value: unknown): void {
  if (typeof value === 'string') {
    if (!isWellFormed(value)) throw new MalformedError('text has a lone surrogate');
  } else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new MalformedError(`${value} is not an integer up to 2^53 - 1`);
  } else if (typeof value === 'object' && value !== null) {
    if (!(value instanceof Uint8Array)) for (const one of Object.values(value)) refuseUnsendable(one);
  } else if (typeof value !== 'boolean' && value !== null) {
    throw new MalformedError(`${typeof value} has no place in a message`);
  }
}
