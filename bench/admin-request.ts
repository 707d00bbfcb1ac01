/** One request to a node's admin interface, over a connection of its own. */

import { adminSubprotocols } from '../core/wire/admin.ts';
import type { AdminCommand, AdminResult } from '../core/wire/admin.ts';
import { adminClientCodec } from '../core/wire/admin-codecs.ts';
import * as closeCodes from '../core/wire/close-codes.ts';
import { WebSocketTransport } from '../node-server/ws-transport.ts';

const transport = new WebSocketTransport({ maxFrameBytes: 4 * 1024 * 1024 });
const codec = adminClientCodec(adminSubprotocols.binary);

export function adminRequest(address: string, command: AdminCommand): Promise<AdminResult> {
  return new Promise((resolve, reject) => {
    const link = transport.dial(address, adminSubprotocols.binary, {
      onOpen: () => link.send(codec.encode([{ id: 1, command }])),
      onFrame: (frame) => {
        for (const reply of codec.decode(frame)) {
          if (reply.kind === 'done') resolve(reply.result);
          else reject(new Error(reply.error.message));
        }
        link.close(closeCodes.normal, 'done');
      },
      onClose: (code, reason) => reject(new Error(`the admin connection closed: ${code} ${reason}`)),
    });
  });
}
