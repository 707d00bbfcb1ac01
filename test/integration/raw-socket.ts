/** Speaks to an interface below the level of the client: any frame, any bytes, any header. */

import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { adminSubprotocols } from '../../core/wire/admin.ts';
import { apiSubprotocols } from '../../core/wire/api.ts';
import { peerSubprotocol } from '../../core/wire/peer.ts';
import type { NodeUnderTest } from './cluster-process.ts';

export interface Port {
  readonly name: string;
  readonly address: (node: NodeUnderTest) => string;
  readonly binary: string;
  /** Null on the interface that only nodes use. */
  readonly text: string | null;
}

export const ports: readonly Port[] = [
  { name: 'cluster', address: (node) => node.cluster, binary: peerSubprotocol, text: null },
  { name: 'admin', address: (node) => node.admin, binary: adminSubprotocols.binary, text: adminSubprotocols.superjson },
  { name: 'api', address: (node) => node.api, binary: apiSubprotocols.binary, text: apiSubprotocols.superjson },
];

const closeTimeoutMs = 10_000;

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** Opens a WebSocket. @throws with the status when the handshake is refused. */
export async function open(
  address: string,
  subprotocol: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<WebSocket> {
  const ws = new WebSocket(`ws://${address}/`, [subprotocol], { headers, perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('error', reject);
    ws.once('unexpected-response', (_request, response) => {
      response.resume();
      reject(new Error(`refused with ${response.statusCode ?? 0}`));
    });
  });
  ws.on('error', () => undefined);
  return ws;
}

/** Sends frames over a fresh connection and waits until the node closes it. */
export async function sendUntilClosed(
  address: string,
  subprotocol: string,
  frames: readonly (Uint8Array | string)[],
): Promise<Closed> {
  const ws = await open(address, subprotocol);
  const closed = new Promise<Closed>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${address} did not close the connection`)), closeTimeoutMs);
    ws.once('close', (code, reason) => {
      clearTimeout(timer);
      resolve({ code, reason: reason.toString('utf8') });
    });
  });
  for (const frame of frames) ws.send(frame);
  try {
    return await closed;
  } finally {
    ws.terminate();
  }
}

/** Writes bytes to the bare TCP port and waits until the node ends the connection. Returns its answer as text. */
export async function sendBytes(address: string, bytes: Uint8Array | string): Promise<string> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    let text = '';
    socket.setTimeout(closeTimeoutMs, () => {
      socket.destroy();
      reject(new Error(`${address} did not end the connection`));
    });
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}
