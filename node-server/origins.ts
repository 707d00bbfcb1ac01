/**
 * Which web pages may open a connection (architecture §2): only the node's own and those of `allowed_origins`. A program sends no
 * Origin and is not meant. The Host header is not asked: a page whose name was rebound to this address would pass.
 */

import { isIP } from 'node:net';
import type { Socket } from 'node:net';

export interface OriginRule {
  /** What of the configuration lets a page in. */
  readonly key: string;
  allows(origin: string, socket: Pick<Socket, 'localAddress'>): boolean;
}

/** Only programs. */
export const noPages: OriginRule = { key: 'playground_admin', allows: () => false };

export class OriginCheck implements OriginRule {
  readonly key = 'allowed_origins';
  readonly #allowed: ReadonlySet<string>;
  #own: ReadonlySet<string> = new Set();
  #ownPort = 0;

  /** @param allowed origins as browsers send them, such as `https://console.example.org`. */
  constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed.map((origin) => origin.toLowerCase()));
  }

  /** Tells where the node's own pages are served: the addresses (`host:port`) of its API interface. */
  serveFrom(addresses: readonly string[], port: number): void {
    const own = new Set<string>();
    for (const address of [...addresses, `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      own.add(`http://${address.toLowerCase()}`);
      own.add(`https://${address.toLowerCase()}`);
    }
    this.#own = own;
    this.#ownPort = port;
  }

  allows(origin: string, socket: Pick<Socket, 'localAddress'>): boolean {
    const text = origin.toLowerCase();
    if (this.#allowed.has(text) || this.#own.has(text)) return true;
    // Bound to every address, the node is reached by one that it was not told; as a number it cannot be rebound.
    const local = (socket.localAddress ?? '').replace(/^::ffff:/, '');
    const family = isIP(local);
    if (family === 0) return false;
    return text === `http://${family === 6 ? `[${local}]` : local}:${this.#ownPort}`;
  }
}

/** True for what may stand in `allowed_origins`: scheme, host and perhaps a port, nothing behind. */
export function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.origin === text.toLowerCase();
}
