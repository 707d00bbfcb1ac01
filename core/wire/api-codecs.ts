/** The codecs of the API interface, by subprotocol, for the node and for its clients. */

import { carriedDetails } from '../base/error-details.ts';
import type { Check } from '../base/checks.ts';
import type { ErrorInfo } from '../base/errors.ts';
import { MalformedError, errorInfo, haretError } from '../base/errors.ts';
import { defaultLimits } from '../base/limits.ts';
import { decodeBody, encodeOperation } from '../service/body.ts';
import { decodeEvent, encodeEvent } from '../service/events.ts';
import { decodeReply, encodeReply } from '../service/reply.ts';
import type { Frame } from '../base/ports.ts';
import type { TypeOf } from '../base/schema.ts';
import type { ClientMessage, ServerMessage } from './api.ts';
import {
  apiSubprotocols,
  clientFrameSchema,
  plainClientSchema,
  maxFrameMessages,
  serverFrameSchema,
  incomingSchema,
} from './api.ts';
import type { Codec } from './codec.ts';
import { binaryCodec } from './codec.ts';
import { askedBounds, toldBounds } from './guard.ts';
import type { OutboxOptions } from './outbox.ts';
import type { DocumentPart } from './documents.ts';
import { joinDocument } from './documents.ts';
import { documentPart, textCodec } from './text-codec.ts';

/**
 * A client's question that has an id but cannot be used: an operation out of bounds, or an invalid path. Only this
 * question is refused.
 */
export interface Unusable {
  readonly kind: 'unusable';
  readonly id: number;
  readonly error: ErrorInfo;
}

export type ApiServerCodec = Codec<ServerMessage, ClientMessage | Unusable>;
export type ApiClientCodec = Codec<ClientMessage, ServerMessage>;

/** What the API port offers at the handshake, most preferred first. */
export const offeredApiSubprotocols: readonly string[] = [apiSubprotocols.binary, apiSubprotocols.superjson];

/**
 * For the node.
 * @throws {@link HaretError} BadArgument for a subprotocol that is not offered.
 */
export function apiServerCodec(subprotocol: string, maxFrameBytes = defaultLimits.maxFrameBytes): ApiServerCodec {
  if (subprotocol === apiSubprotocols.binary) {
    return shared(binaryCodec(subprotocol, serverFrameSchema, clientFrameSchema, maxFrameBytes), binaryEvents);
  }
  if (subprotocol === apiSubprotocols.superjson) {
    const end = { toPlain: plainServer, plain: usable, fromPlain: fromPlainClient, bounds: askedBounds };
    const codec = textCodec(subprotocol, end, maxFrameBytes);
    const encode = (messages: readonly ServerMessage[]): Frame =>
      messages.some((message) => message.kind === 'event')
        ? joinDocument(messages.map(serverPart))
        : codec.encode(messages);
    return shared({ ...codec, encode }, textEvents);
  }
  throw haretError('BadArgument', `unknown subprotocol ${subprotocol}`);
}

/**
 * For the client.
 * @throws {@link HaretError} BadArgument for a subprotocol that is not offered.
 */
export function apiClientCodec(subprotocol: string, maxFrameBytes = defaultLimits.maxFrameBytes): ApiClientCodec {
  if (subprotocol === apiSubprotocols.binary) {
    return binaryCodec(subprotocol, clientFrameSchema, serverFrameSchema, maxFrameBytes);
  }
  if (subprotocol === apiSubprotocols.superjson) {
    const end = { toPlain: plainClient, plain: incomingSchema, fromPlain: fromPlainServer, bounds: toldBounds };
    return textCodec(subprotocol, end, maxFrameBytes);
  }
  throw haretError('BadArgument', `unknown subprotocol ${subprotocol}`);
}

function plainClient(message: ClientMessage): unknown {
  if (message.kind !== 'request' && message.kind !== 'read') return message;
  const body = decodeBody(message.operation);
  if (body.kind !== 'operation') throw new MalformedError(`a client cannot send a body of kind ${body.kind}`);
  return { ...message, operation: body.operation };
}

const asked: ReadonlySet<unknown> = new Set(['request', 'read', 'watch']);

/** The id under which a refused message is answered; null for what is not a question, whatever else it is. */
function idOfQuestion(value: unknown): number | null {
  if (typeof value !== 'object' || value === null) return null;
  const { kind, id } = value as { readonly kind?: unknown; readonly id?: unknown };
  return asked.has(kind) && typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id + 0 : null;
}

/** A page's engine has no schemas of its questions, so the node tells it about a mistake. */
const usable: Check<TypeOf<typeof plainClientSchema> | Unusable> = {
  check: (value, where) => {
    try {
      return plainClientSchema.check(value, where);
    } catch (error) {
      const id = error instanceof MalformedError ? idOfQuestion(value) : null;
      if (id === null) throw error;
      return { kind: 'unusable', id, error: errorInfo('BadArgument', (error as MalformedError).message) };
    }
  },
};

function fromPlainClient(message: TypeOf<typeof plainClientSchema> | Unusable): ClientMessage | Unusable {
  if (message.kind !== 'request' && message.kind !== 'read') return message;
  return { ...message, operation: encodeOperation(message.operation) };
}

/**
 * What another node answered has been only bytes until here. If it cannot be read, the client hears of that, and
 * nothing else is affected.
 */
function unreadable(id: number, error: unknown): unknown {
  if (!(error instanceof MalformedError)) throw error;
  const text = `the answer of another node cannot be read: ${error.message}`;
  return { kind: 'error', id, error: errorInfo('Internal', text, {}, 'unknown') };
}

function plainServer(message: ServerMessage): unknown {
  if (message.kind === 'reply') {
    try {
      return { ...message, reply: decodeReply(message.reply) };
    } catch (error) {
      return unreadable(message.id, error);
    }
  }
  if (message.kind === 'event') return { ...message, event: decodeEvent(message.event) };
  if (message.kind === 'error' || message.kind === 'goodbye') {
    return { ...message, error: { ...message.error, details: carriedDetails(message.error.details) } };
  }
  return message;
}

type EventFrames = WeakMap<Uint8Array, Map<number, Frame>>;
const binaryEvents: EventFrames = new WeakMap();
const textEvents: EventFrames = new WeakMap();

/**
 * An event that is alone in its frame makes the same frame for all watches with the same id. So a node that tells a
 * thousand watches writes it once.
 */
function shared(codec: ApiServerCodec, frames: EventFrames): ApiServerCodec {
  return {
    ...codec,
    encode(messages) {
      const [only] = messages;
      if (messages.length !== 1 || only?.kind !== 'event') return codec.encode(messages);
      let byId = frames.get(only.event);
      if (byId === undefined) {
        byId = new Map<number, Frame>();
        frames.set(only.event, byId);
      }
      let frame = byId.get(only.id);
      if (frame === undefined) byId.set(only.id, (frame = codec.encode(messages)));
      return frame;
    },
  };
}

/** Events as text, by their bytes. What a thousand watches are told is written once. */
const eventTexts = new WeakMap<Uint8Array, DocumentPart>();

function serverPart(message: ServerMessage): DocumentPart {
  if (message.kind !== 'event') return documentPart(plainServer(message));
  let event = eventTexts.get(message.event);
  if (event === undefined) {
    try {
      event = documentPart(decodeEvent(message.event));
    } catch (error) {
      return documentPart(unreadable(message.id, error));
    }
    eventTexts.set(message.event, event);
  }
  return {
    json: `{"kind":"event","id":${message.id},"event":${event.json}}`,
    bytesAt: event.bytesAt.map((path) => `event.${path}`),
  };
}

function fromPlainServer(message: TypeOf<typeof incomingSchema>): ServerMessage {
  if (message.kind === 'reply') return { ...message, reply: encodeReply(message.reply) };
  if (message.kind === 'event') return { ...message, event: encodeEvent(message.event) };
  return message;
}

/** A page of a snapshot takes about this many bytes. */
export const snapshotPageBytes = 64 * 1024;

/** How a node sends API messages. An answer that fits into no frame becomes an error that says so. */
export function apiServerOutbox(maxFrameBytes: number, maxQueuedBytes: number): OutboxOptions<ServerMessage> {
  return {
    maxFrameBytes,
    maxQueuedBytes,
    maxFrameMessages,
    estimate: (message) => {
      if (message.kind === 'reply') return message.reply.length + 16;
      if (message.kind === 'event') return message.event.length + 16;
      if (message.kind === 'snapshot') return snapshotPageBytes;
      return message.kind === 'namespaces' ? message.names.length * 32 : 256;
    },
    oversized: (message, bytes) => {
      if (
        message.kind === 'goodbye' ||
        message.kind === 'welcome' ||
        message.kind === 'who' ||
        message.kind === 'notice' ||
        message.kind === 'standing'
      )
        return null;
      const details = { limit: maxFrameBytes, actual: bytes };
      // If the answer to a write is this large, the write was executed.
      const error = errorInfo('LimitExceeded', 'the answer is larger than a frame may be', details, 'unknown');
      return { kind: 'error', id: message.id, error };
    },
  };
}
