/** The binary codec of the API interface as a client speaks it: what programs in Node do. */

import { Packer } from '../base/whole.ts';
import { bodySchema } from '../service/body.ts';
import { apiSubprotocols, clientFrameSchema, toldFrameSchema } from './api.ts';
import type { ClientMessage } from './api.ts';
import type { ClientCodec } from './api-client.ts';
import { binaryCodec } from './codec.ts';

const subprotocol = apiSubprotocols.binary;

// Operations live until they are answered, thousands a second.
const packer = new Packer();

export const binaryApi: ClientCodec = {
  subprotocol,
  pack: (operation) => packer.pack(bodySchema, { kind: 'operation', operation }),
  frames: (maxFrameBytes) => {
    const codec = binaryCodec(subprotocol, clientFrameSchema, toldFrameSchema, maxFrameBytes);
    // What is packed here is an encoded operation, which is what these messages carry.
    return { ...codec, encode: (messages) => codec.encode(messages as readonly ClientMessage[]) };
  },
};
