/** The codecs of the admin interface, by subprotocol, for the node and for its clients. */

import { carriedDetails } from '../base/error-details.ts';
import { errorInfo, haretError } from '../base/errors.ts';
import { defaultLimits } from '../base/limits.ts';
import type { AdminReply, AdminRequest } from './admin.ts';
import {
  adminReplyFrameSchema,
  adminReplySchema,
  adminRequestFrameSchema,
  adminRequestSchema,
  adminSubprotocols,
  maxAdminFrameMessages,
} from './admin.ts';
import type { Codec } from './codec.ts';
import { binaryCodec } from './codec.ts';
import { askedBounds, toldBounds } from './guard.ts';
import type { OutboxOptions } from './outbox.ts';
import { textCodec } from './text-codec.ts';

export type AdminServerCodec = Codec<AdminReply, AdminRequest>;
export type AdminClientCodec = Codec<AdminRequest, AdminReply>;

const askedOfAdmin = { ...askedBounds, messages: maxAdminFrameMessages };

/** What the admin port offers at the handshake, most preferred first. */
export const offeredAdminSubprotocols: readonly string[] = [adminSubprotocols.binary, adminSubprotocols.superjson];

/**
 * For the node.
 * @throws {@link HaretError} BadArgument for a subprotocol that is not offered.
 */
export function adminServerCodec(subprotocol: string, maxFrameBytes = defaultLimits.maxFrameBytes): AdminServerCodec {
  if (subprotocol === adminSubprotocols.binary) {
    return binaryCodec(subprotocol, adminReplyFrameSchema, adminRequestFrameSchema, maxFrameBytes);
  }
  if (subprotocol === adminSubprotocols.superjson) {
    const end = { toPlain: plainReply, plain: adminRequestSchema, fromPlain: same<AdminRequest>, bounds: askedOfAdmin };
    return textCodec(subprotocol, end, maxFrameBytes);
  }
  throw haretError('BadArgument', `unknown subprotocol ${subprotocol}`);
}

/**
 * For the client.
 * @throws {@link HaretError} BadArgument for a subprotocol that is not offered.
 */
export function adminClientCodec(subprotocol: string, maxFrameBytes = defaultLimits.maxFrameBytes): AdminClientCodec {
  if (subprotocol === adminSubprotocols.binary) {
    return binaryCodec(subprotocol, adminRequestFrameSchema, adminReplyFrameSchema, maxFrameBytes);
  }
  if (subprotocol === adminSubprotocols.superjson) {
    const end = {
      toPlain: same<AdminRequest>,
      plain: adminReplySchema,
      fromPlain: same<AdminReply>,
      bounds: toldBounds,
    };
    return textCodec(subprotocol, end, maxFrameBytes);
  }
  throw haretError('BadArgument', `unknown subprotocol ${subprotocol}`);
}

function same<T>(message: T): T {
  return message;
}

function plainReply(message: AdminReply): unknown {
  if (message.kind === 'done') return message;
  return { ...message, error: { ...message.error, details: carriedDetails(message.error.details) } };
}

/** How a node sends admin messages. An answer that fits into no frame becomes an error that says so. */
export function adminServerOutbox(maxFrameBytes: number, maxQueuedBytes: number): OutboxOptions<AdminReply> {
  return {
    maxFrameBytes,
    maxQueuedBytes,
    maxFrameMessages: maxAdminFrameMessages,
    estimate: () => 1024,
    oversized: (message, bytes) => {
      if (message.kind === 'goodbye') return null;
      const details = { limit: maxFrameBytes, actual: bytes };
      const error = errorInfo('LimitExceeded', 'the answer is larger than a frame may be', details, 'unknown');
      return { kind: 'failed', id: message.id, error };
    },
  };
}
