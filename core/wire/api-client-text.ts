/** The text codec of the API interface for clients. Pages use it. */

import type { Complete } from '../base/complete.ts';
import { isWellFormed } from '../base/utf8.ts';
import { MalformedError } from '../base/errors.ts';
import type { FractionalKind } from '../tree/operations/index.ts';
import type { ClientCodec, Outgoing } from './api-client.ts';
import { tooLarge } from './codec.ts';
import {
  checkMessages,
  joinDocument,
  maxTextItems,
  messagePart,
  readMessageDocument,
  textOfFrame,
} from './documents.ts';
import type { DocumentPart } from './documents.ts';
import { frameBytes } from './outbox.ts';
import { apiSubprotocols, maxFrameMessages, incomingSchema } from './server-messages.ts';

const subprotocol = apiSubprotocols.superjson;

/** About how long an annotation is. */
const annotationLength = 40;

interface PackedText extends DocumentPart {
  readonly length: number;
}

export const textApi: ClientCodec = {
  subprotocol,
  pack: (operation, consistency): PackedText => {
    refuseUnsendable([operation, consistency]);
    const part = messagePart(operation);
    const values = part.bytesAt.length;
    if (values > maxTextItems) {
      const problem = `${values} values of bytes in one message, and a text frame may have ${maxTextItems}`;
      throw new MalformedError(`${problem}: send them in parts`);
    }
    return { ...part, length: part.json.length + values * annotationLength };
  },
  check: refuseUnsendable,
  frames: (maxFrameBytes) => ({
    subprotocol,
    maxFrameBytes,
    encode: (messages) => joinDocument(messages.map(partOf)),
    decode: (frame) => {
      const text = textOfFrame(frame);
      const size = frameBytes(text, maxFrameBytes);
      if (size > maxFrameBytes) tooLarge(size, maxFrameBytes);
      return checkMessages(readMessageDocument(text), incomingSchema, maxFrameMessages);
    },
  }),
};

function partOf(message: Outgoing): DocumentPart {
  if (message.kind !== 'request' && message.kind !== 'read') return messagePart(message);
  const { operation, ...rest } = message;
  // This codec packed the operation itself.
  const { json, bytesAt } = operation as PackedText;
  const frame = JSON.stringify(rest);
  return { json: `${frame.slice(0, -1)},"operation":${json}}`, bytesAt: bytesAt.map((path) => `operation.${path}`) };
}

/** The operations and guards with a number that need not be whole. A page has no schemas of operations to look at. */
const named = [] as const satisfies readonly FractionalKind[];
const fractional: readonly Complete<FractionalKind, (typeof named)[number]>[] = named;

/** A node closes a connection that sends what no message may hold. Here the caller gets an error instead. */
function refuseUnsendable(value: unknown, whole = true): void {
  if (typeof value === 'string') {
    if (!isWellFormed(value)) throw new MalformedError('text has a lone surrogate');
  } else if (typeof value === 'number') {
    if (whole ? !Number.isSafeInteger(value) : !Number.isFinite(value))
      throw new MalformedError(`${value} is not ${whole ? 'an integer up to 2^53 - 1' : 'a finite number'}`);
  } else if (typeof value === 'object' && value !== null) {
    const ofKind = 'kind' in value && fractional.includes(value.kind as never);
    if (!(value instanceof Uint8Array)) for (const one of Object.values(value)) refuseUnsendable(one, !ofKind);
  } else if (typeof value !== 'boolean' && value !== null) {
    throw new MalformedError(`a message cannot hold a ${typeof value}`);
  }
}
