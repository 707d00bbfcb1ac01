/** The binary codec of the API interface as a client speaks it: what programs in Node do. */

import { encodeOperation } from '../service/body.ts';
import { apiSubprotocols, clientFrameSchema, toldFrameSchema } from './api.ts';
import type { ClientMessage } from './api.ts';
import type { ClientCodec } from './api-client.ts';
import { binaryCodec } from './codec.ts';

const subprotocol = apiSubprotocols.binary;

export const binaryApi: ClientCodec = {
  subprotocol,
  pack: encodeOperation,
  frames: (maxFrameBytes) => {
    const codec = binaryCodec(subprotocol, clientFrameSchema, toldFrameSchema, maxFrameBytes);
    // What is packed here is an encoded operation, which is what these messages carry.
    return { ...codec, encode: (messages) => codec.encode(messages as readonly ClientMessage[]) };
  },
};
