/** The binary codec of the API interface for clients. Programs in Node use it. */

import { Packer } from '../base/whole.ts';
import { bodySchema } from '../service/body.ts';
import { checkOperation } from '../tree/operation.ts';
import {
  apiSubprotocols,
  clientFrameSchema,
  clientMessageSchema,
  consistencySchema,
  incomingFrameSchema,
} from './api.ts';
import type { ClientMessage } from './api.ts';
import type { ClientCodec } from './api-client.ts';
import { binaryCodec } from './codec.ts';

const subprotocol = apiSubprotocols.binary;

// Each operation lives until it is answered, and there are thousands a second.
const packer = new Packer();

export const binaryApi: ClientCodec = {
  subprotocol,
  pack: (operation, consistency) => {
    checkOperation(operation);
    if (consistency?.kind === 'atLeast') consistencySchema.check(consistency, 'read');
    return packer.pack(bodySchema, { kind: 'operation', operation });
  },
  check: (message) => clientMessageSchema.check(message),
  frames: (maxFrameBytes) => {
    const codec = binaryCodec(subprotocol, clientFrameSchema, incomingFrameSchema, maxFrameBytes);
    // We only pack encoded operations here, and these messages carry just that.
    return { ...codec, encode: (messages) => codec.encode(messages as readonly ClientMessage[]) };
  },
};
