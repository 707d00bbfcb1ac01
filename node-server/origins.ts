/**
 * Who may open a connection, judged by what a browser always sends (architecture §2). Pages: only the node's own and
 * those of `allowed_origins`. A program sends no Origin, and this rule is not about programs. Host names: only those
 * under which this node is known. A page whose own name was made to point here (DNS rebinding) is of that origin and
 * could read the answers.
 */

import { isIP } from 'node:net';
import type { Socket } from 'node:net';

export interface OriginRule {
  /** The configuration key that lets a page in, named to a page that was refused. */
  readonly key: string;
  allows(origin: string, socket: Pick<Socket, 'localAddress'>): boolean;
}

/** Only programs, unless the key says otherwise. */
export const noPages: OriginRule = { key: 'playground_admin', allows: () => false };
/** Only other nodes, whatever the configuration says. */
export const onlyNodes: OriginRule = { key: 'allowed_origins, which is for the API interface', allows: () => false };

export class OriginCheck implements OriginRule {
  readonly key = 'allowed_origins';
  readonly #allowed: ReadonlySet<string>;
  #own: ReadonlySet<string> = new Set();
  #ownPort = 0;

  /** @param allowed origins as browsers send them, such as `https://console.example.org`. */
  constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed.map((origin) => origin.toLowerCase()));
  }

  /** Says where the node's own pages are served: the addresses (`host:port`) of its API interface. */
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
    // A node bound to every address is reached by one that its configuration does not name. As a number, it cannot be
    // rebound.
    const local = (socket.localAddress ?? '').replace(/^::ffff:/, '');
    const family = isIP(local);
    if (family === 0) return false;
    return text === `http://${family === 6 ? `[${local}]` : local}:${this.#ownPort}`;
  }
}

/** The names of hosts under which a node answers. Ports do not matter: they may be mapped. */
export class HostCheck {
  readonly #names: ReadonlySet<string>;

  /** @param names configured ones: what is bound and advertised, and `allowed_hosts`. */
  constructor(names: readonly string[]) {
    this.#names = new Set(['localhost', ...names].map((name) => name.toLowerCase()));
  }

  /** @param host a Host header. Programs that speak HTTP/1.0 send none; browsers always do. */
  allows(host: string | undefined): boolean {
    if (host === undefined) return true;
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*))(?::\d{1,5})?$/.exec(host);
    const name = (match?.[1] ?? match?.[2] ?? '').toLowerCase();
    // A number is not a name, so no one can make it point elsewhere.
    return isIP(name) !== 0 || this.#names.has(name) || this.#names.has(name.replace(/\.$/, ''));
  }
}

/** True for what may stand in `allowed_origins`: a scheme, a host and perhaps a port, and nothing after that. */
export function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.origin === text.toLowerCase();
}

/** True for what may stand in `allowed_hosts`. */
export function isHostName(text: string): boolean {
  return /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?$/.test(text);
}
