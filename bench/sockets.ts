/** TCP connections for the clients that are written by hand. */

import { connect } from 'node:net';
import type { Socket } from 'node:net';

export function splitAddress(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}

/** A socket that is connected to `host:port`. From then on, its owner handles its errors. */
export function openSocket(address: string): Promise<Socket> {
  const [host, port] = splitAddress(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
