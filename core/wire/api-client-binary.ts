/** The binary codec of the API interface as a client speaks it: what programs in Node do. */

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

// Operations live until they are answered, thousands a second.
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
    // What is packed here is an encoded operation, which is what these messages carry.
    return { ...codec, encode: (messages) => codec.encode(messages as readonly ClientMessage[]) };
  },
};
